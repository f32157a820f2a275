"""What is told of an operation, under which id."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from agents.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentOperation,
    PaymentQuery,
    PaymentRefunded,
    PaymentRefundStuck,
    PaymentUnknown,
    PaymentVoided,
)
from agents.payments.rules import keys
from agents.payments.rules.happened import Happened, key_of, outcome_of
from agents.payments.rules.keys import AUTHORIZE
from agents.payments.rules.standing import is_stuck
from agents.payments.tables import NOTHING, Act, Payment, State

UNANSWERED: Final = "no_answer_yet"
NOT_ASKED: Final = "not_asked"
NO_REASON: Final = "no_reason_given"


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and its message id."""

    id: UUID
    event: Happened


def told(payment: Payment, act: Act) -> Told:
    """What is told of an operation as it stands."""
    if act.state is State.DONE:
        return _under_its_id(_done(payment, act))
    if act.refund_id is not None and is_stuck(act):
        stuck = PaymentRefundStuck(*_whose(payment, act.amount), act.refund_id, act.code or NO_REASON)
        return _under_its_id(stuck)
    if act.settled:
        no = PaymentFailed(*_whose(payment, act.amount), act.code or NO_REASON, act.operation, act.refund_id)
        return _under_its_id(no)
    unknown = PaymentUnknown(*_whose(payment, act.amount), act.code or UNANSWERED, act.operation, act.refund_id)
    return _under_its_id(unknown)


def never_asked(query: PaymentQuery) -> Told:
    """What is told of an operation that nobody has asked for, or whose command is still on its way."""
    whose = keys.payment_id(query.order_id), query.order_id, query.user_id, query.amount, query.currency
    return _under_its_id(PaymentUnknown(*whose, NOT_ASKED, query.operation, query.refund_id))


def _done(payment: Payment, act: Act) -> Happened:
    match act.operation:
        case PaymentOperation.AUTHORIZE:
            return PaymentAuthorized(*_whose(payment, act.amount))
        case PaymentOperation.CAPTURE:
            return PaymentCaptured(*_whose(payment, act.amount))
        case PaymentOperation.VOID:
            return PaymentVoided(*_whose(payment, _let_go(payment)))
        case _:
            assert act.refund_id is not None
            return PaymentRefunded(*_whose(payment, act.amount), act.refund_id)


def _let_go(payment: Payment) -> Decimal:
    """What a void has let go: nothing where nothing was authorized."""
    authorization = payment.acts.get(AUTHORIZE)
    return authorization.amount if authorization is not None and authorization.state is State.DONE else NOTHING


def _whose(payment: Payment, amount: Decimal) -> tuple[UUID, UUID, UUID, Decimal, str]:
    return payment.id, payment.order_id, payment.user_id, amount, payment.currency


def _under_its_id(event: Happened) -> Told:
    return Told(keys.outcome_id(key_of(event), outcome_of(event)), event)
