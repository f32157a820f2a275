"""What the payments service is told, and what it tells.

Each order has one authorization, one capture, one void, and a refund for each refund id. Whatever asks about one of
them, a command again or a query, is answered with the same event: its message id follows from operation and outcome.
"""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from streams import Record


class PaymentOperation(StrEnum):
    """What an answer is about."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class PaymentAuthorize(Record, event="payment.authorize"):
    """Command: set the amount of an order aside. Answers: authorized, failed, unknown."""

    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    payment_token: str
    """Sealed."""


class PaymentCapture(Record, event="payment.capture"):
    """Command: take what was authorized. Answers: captured, failed, unknown."""

    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str


class PaymentVoid(Record, event="payment.void"):
    """Command: let go of what is authorized, or may be. Answers: voided, failed (`already_captured`), unknown.

    It needs no authorization: after `payment.voided` the order can be authorized no more (failed, code `voided`).
    """

    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str


class PaymentRefund(Record, event="payment.refund"):
    """Command: give back some of what was captured. Answers: refunded, failed, unknown, refund_stuck."""

    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    refund_id: UUID


class PaymentQuery(Record, event="payment.query"):
    """Command: find out what became of an operation. Answers: that operation's.

    What the provider never heard of is asked for again under the same key; what payments was never told of is unknown,
    code `not_asked`.
    """

    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    operation: PaymentOperation
    refund_id: UUID | None = None
    """With REFUND."""


class PaymentAuthorized(Record, event="payment.authorized"):
    """The money of an order is set aside."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str


class PaymentCaptured(Record, event="payment.captured"):
    """The money of an order is taken."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str


class PaymentVoided(Record, event="payment.voided"):
    """Nothing of an order is set aside, and nothing will be."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str


class PaymentFailed(Record, event="payment.failed"):
    """A no to one operation, for good: asking again gives the same answer. `code` is the reason."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    code: str
    operation: PaymentOperation = PaymentOperation.CAPTURE
    refund_id: UUID | None = None


class PaymentUnknown(Record, event="payment.unknown"):
    """Nobody knows yet what became of an operation: query it. `code` is the reason.

    It has one message id for each operation, so a log agent sees the first one only: query again by the clock.
    """

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    code: str
    operation: PaymentOperation
    refund_id: UUID | None = None


class PaymentRefunded(Record, event="payment.refunded"):
    """Money of an order was given back. An order may have several refunds."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    refund_id: UUID


class PaymentRefundStuck(Record, event="payment.refund_stuck"):
    """A refund does not come through: somebody has to look after it. `code` is the provider's reason.

    Told where the provider refuses it, and with the fifth unknown answer. A refund that comes through after all is told
    as `payment.refunded`.
    """

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    refund_id: UUID
    code: str
