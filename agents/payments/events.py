"""What the payments service is told, and what it tells."""

from decimal import Decimal
from uuid import UUID

from streams import Record


class PaymentCapture(Record, event="payment.capture"):
    """Command: take the money of an order."""

    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    payment_token: str


class PaymentCaptured(Record, event="payment.captured"):
    """The money of an order is taken."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str


class PaymentFailed(Record, event="payment.failed"):
    """The provider has said no, for good. `code` is the provider's reason."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    code: str


class PaymentRefunded(Record, event="payment.refunded"):
    """Money of an order was given back. An order may have several refunds."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    refund_id: UUID


class PaymentRefundStuck(Record, event="payment.refund_stuck"):
    """A refund does not come through: somebody has to look after it. `code` is the provider's reason."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    refund_id: UUID
    code: str
