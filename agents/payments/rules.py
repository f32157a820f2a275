"""What becomes of a payment, as functions of values."""

from typing import Final
from uuid import UUID, uuid5

from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from agents.payments.provider.port import Answer, Outcome
from agents.payments.tables import Payment, State

NAMESPACE: Final = UUID("0d8f7a4e-6b0c-5f0e-8a55-0f6c5a3d9b21")
"""Namespace of ids that follow from provider idempotency keys."""


def idempotency_key(command: PaymentCapture, operation: str) -> str:
    """The provider's idempotency key: one for each order and operation, whichever command asks."""
    return f"{command.order_id}:{operation}"


def intent(command: PaymentCapture) -> Payment:
    """What is kept before the provider is asked."""
    return Payment(
        id=uuid5(NAMESPACE, idempotency_key(command, "capture")),
        order_id=command.order_id,
        user_id=command.user_id,
        amount=command.amount,
        currency=command.currency,
        state=State.CAPTURING,
    )


def settled(payment: Payment, answer: Answer) -> Payment:
    """What is kept once the provider has answered."""
    payment.state = State.CAPTURED if answer.outcome is Outcome.DONE else State.FAILED
    payment.code = answer.code
    payment.reference = answer.reference
    return payment


def told(payment: Payment) -> PaymentCaptured | PaymentFailed:
    """What is told of a settled payment."""
    if payment.state is State.CAPTURED:
        return PaymentCaptured(payment.id, payment.order_id, payment.user_id, payment.amount, payment.currency)
    return PaymentFailed(
        payment.id,
        payment.order_id,
        payment.user_id,
        payment.amount,
        payment.currency,
        payment.code or "unknown",
    )
