"""The names of operations and the ids that follow from them."""

from typing import Final
from uuid import UUID, uuid5

from agents.payments.events import (
    PaymentAuthorize,
    PaymentCapture,
    PaymentOperation,
    PaymentQuery,
    PaymentRefund,
    PaymentVoid,
)

NAMESPACE: Final = UUID("0d8f7a4e-6b0c-5f0e-8a55-0f6c5a3d9b21")
"""Namespace of ids that follow from provider idempotency keys."""

Wish = PaymentAuthorize | PaymentCapture | PaymentVoid | PaymentRefund
"""A command that wants an operation done."""
Command = Wish | PaymentQuery


def operation_of(command: Command) -> PaymentOperation:
    """What a command wants, or wants to know about."""
    match command:
        case PaymentAuthorize():
            return PaymentOperation.AUTHORIZE
        case PaymentCapture():
            return PaymentOperation.CAPTURE
        case PaymentVoid():
            return PaymentOperation.VOID
        case PaymentRefund():
            return PaymentOperation.REFUND
        case _:
            return command.operation


def refund_of(command: Command) -> UUID | None:
    """The id of the refund that a command is about."""
    return command.refund_id if isinstance(command, PaymentRefund | PaymentQuery) else None


def name(operation: PaymentOperation, refund_id: UUID | None = None) -> str:
    """An operation's name within its order: one authorization, one capture, one void, and refunds by their ids."""
    return f"{operation}:{refund_id}" if operation is PaymentOperation.REFUND else operation


def name_in(command: Command) -> str:
    """The name of the operation that a command is about."""
    return name(operation_of(command), refund_of(command))


AUTHORIZE: Final = name(PaymentOperation.AUTHORIZE)
CAPTURE: Final = name(PaymentOperation.CAPTURE)
VOID: Final = name(PaymentOperation.VOID)


def provider_key(order_id: UUID, name: str) -> str:
    """The provider's idempotency key, whichever command asks."""
    return f"{order_id}:{name}"


def payment_id(order_id: UUID) -> UUID:
    """The id of an order's only payment."""
    return uuid5(NAMESPACE, str(order_id))


def outcome_id(key: str, outcome: str) -> UUID:
    """The message id of an outcome, whichever command asked."""
    return uuid5(NAMESPACE, f"{key}/{outcome}")
