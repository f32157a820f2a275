"""What payments have told."""

from collections.abc import Callable, Mapping
from typing import Final

from agents.orders.rules.asking import answered
from agents.orders.rules.change import Change
from agents.orders.rules.refunding import refund_failed
from agents.orders.statuses import Asked, Authorization
from agents.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentOperation,
    PaymentVoided,
)

BY: Final = "payments"


def authorized(change: Change, event: PaymentAuthorized) -> None:
    """The money is set aside."""
    _authorization(change, Authorization.GIVEN)
    change.by, change.why = BY, f"payment {event.payment_id} is authorized"


def captured(change: Change, event: PaymentCaptured) -> None:
    """The money is taken."""
    _authorization(change, Authorization.GIVEN)
    answered(change.order, Asked.CAPTURE)
    change.order.payment.captured = event.amount
    change.by, change.why = BY, f"payment {event.payment_id} is captured"


def voided(change: Change, event: PaymentVoided) -> None:
    """No money is set aside, and none will be."""
    _authorization(change, Authorization.VOIDED)
    answered(change.order, Asked.VOID)
    change.by, change.why = BY, f"payment {event.payment_id} is voided"


def failed(change: Change, event: PaymentFailed) -> None:
    """A no, for good."""
    change.by, change.why = BY, event.code
    _FAILED[event.operation](change, event)


def _authorize_failed(change: Change, event: PaymentFailed) -> None:
    _authorization(change, Authorization.REFUSED)
    change.order.payment.refusal = event.code


def _capture_failed(change: Change, event: PaymentFailed) -> None:
    answered(change.order, Asked.CAPTURE)
    change.order.payment.refusal = event.code


def _void_failed(change: Change, event: PaymentFailed) -> None:
    answered(change.order, Asked.VOID)
    change.order.payment.kept = event.code


_FAILED: Final[Mapping[PaymentOperation, Callable[[Change, PaymentFailed], None]]] = {
    PaymentOperation.AUTHORIZE: _authorize_failed,
    PaymentOperation.CAPTURE: _capture_failed,
    PaymentOperation.VOID: _void_failed,
    PaymentOperation.REFUND: refund_failed,
}


def _authorization(change: Change, authorization: Authorization) -> None:
    """It is decided, which it is once: only a void comes after a yes."""
    answered(change.order, Asked.AUTHORIZE)
    payment = change.order.payment
    payment.payment_token = None
    undecided = payment.authorization in {Authorization.NONE, Authorization.ASKED}
    if undecided or (payment.authorization is Authorization.GIVEN and authorization is Authorization.VOIDED):
        payment.authorization = authorization
