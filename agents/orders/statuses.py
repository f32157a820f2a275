"""How far an order has come, and where its money and its goods are."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """How far an order has come."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    AUTHORIZED = "AUTHORIZED"
    CAPTURING = "CAPTURING"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"


NEXT: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.RESERVED, Status.REJECTED, Status.CANCELLING}),
    Status.RESERVED: frozenset({Status.AUTHORIZED, Status.EXPIRED, Status.PAYMENT_FAILED, Status.CANCELLING}),
    Status.AUTHORIZED: frozenset({Status.CAPTURING, Status.EXPIRED, Status.CANCELLING}),
    Status.CAPTURING: frozenset({Status.PAID, Status.PAYMENT_FAILED, Status.CANCELLING}),
    Status.PAID: frozenset({Status.SHIPPED, Status.CANCELLING}),
    Status.SHIPPED: frozenset({Status.DELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.PAYMENT_FAILED: frozenset(),
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
}
"""Which status may follow which."""

GIVEN_UP: Final = frozenset(
    {Status.REJECTED, Status.EXPIRED, Status.PAYMENT_FAILED, Status.CANCELLING, Status.CANCELLED}
)
"""Orders of these want neither goods nor money."""

ADDRESSABLE: Final = frozenset({Status.PENDING, Status.RESERVED})
"""Orders of these may still be shipped elsewhere."""

REFUNDABLE: Final = frozenset({Status.PAID, Status.SHIPPED, Status.DELIVERED})
"""Money of orders of these may be given back; cancelled ones have it given back by themselves."""


class PaymentStatus(StrEnum):
    """Where an order's money is."""

    NONE = "NONE"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


class Stock(StrEnum):
    """Where an order's goods are, as the inventory has told. Later ones never go back to earlier ones."""

    ASKED = "ASKED"
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    FREED = "FREED"
    """The order has none, and never will."""


class Authorization(StrEnum):
    """What has become of an order's authorization, as payments have told."""

    NONE = "NONE"
    ASKED = "ASKED"
    GIVEN = "GIVEN"
    REFUSED = "REFUSED"
    VOIDED = "VOIDED"


class Asked(StrEnum):
    """What the saga waits for an answer to."""

    RESERVE = "RESERVE"
    AUTHORIZE = "AUTHORIZE"
    COMMIT = "COMMIT"
    CAPTURE = "CAPTURE"
    FREE = "FREE"
    VOID = "VOID"
    REFUND = "REFUND"


class RefundStatus(StrEnum):
    """What has become of a refund. STUCK ones may still come through."""

    ASKED = "ASKED"
    DONE = "DONE"
    REFUSED = "REFUSED"
    STUCK = "STUCK"
