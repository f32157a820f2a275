"""What events of payments are about: the operation, its key, and the outcome."""

from uuid import UUID

from agents.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentOperation,
    PaymentRefunded,
    PaymentRefundStuck,
    PaymentUnknown,
    PaymentVoided,
)
from agents.payments.rules import keys

Happened = (
    PaymentAuthorized
    | PaymentFailed
    | PaymentUnknown
    | PaymentCaptured
    | PaymentVoided
    | PaymentRefunded
    | PaymentRefundStuck
)
"""Every event of the service."""


def outcome_of(event: Happened) -> str:
    """The outcome that an event stands for: `captured`, `failed`, …"""
    return str(type(event).__event__).removeprefix("payment.")


def key_of(event: Happened) -> str:
    """The provider's key of the operation that an event is about."""
    return keys.provider_key(event.order_id, keys.name(operation_of(event), refund_of(event)))


def operation_of(event: Happened) -> PaymentOperation:
    """The operation that an event is about."""
    match event:
        case PaymentAuthorized():
            return PaymentOperation.AUTHORIZE
        case PaymentCaptured():
            return PaymentOperation.CAPTURE
        case PaymentVoided():
            return PaymentOperation.VOID
        case PaymentRefunded() | PaymentRefundStuck():
            return PaymentOperation.REFUND
        case _:
            return event.operation


def refund_of(event: Happened) -> UUID | None:
    """The id of the refund that an event is about."""
    return None if isinstance(event, PaymentAuthorized | PaymentCaptured | PaymentVoided) else event.refund_id


def code_of(event: Happened) -> str | None:
    """Why not, where it did not come to be."""
    return event.code if isinstance(event, PaymentFailed | PaymentUnknown | PaymentRefundStuck) else None


def line_of(event: Happened) -> str:
    """The key of an event's line in the ledger: one for each operation and outcome."""
    return f"{key_of(event)}:{outcome_of(event)}"
