"""What analytics knows of one order."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from streams import Record


class Metadata(Record):
    """Of an order: its currency, how many pieces, what became of its money, and which outcomes are counted."""

    currency: str = ""
    pieces: int = 0
    captured: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    paid_at: datetime | None = None
    placed_logged: datetime | None = None
    """When the log took `order.created`: the wait until it was paid is by this clock."""
    paid_logged: datetime | None = None
    """When the log took `order.paid`."""
    outcomes: list[str] = msgspec.field(default_factory=list)
    """`operation[:refundId]:outcome`, sorted: each counts once, however often it is told."""


class OrderMetric(Record):
    """An order, as far as its events have come. `timestamp` is when it was placed; None: nobody has told yet."""

    id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal = Decimal(0)
    timestamp: datetime | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)


def together(one: OrderMetric, other: OrderMetric) -> OrderMetric:
    """What two partitions know of an order, where the log is not parted by user or order."""
    placed = one if one.timestamp is not None else other
    ours, theirs = one.metadata, other.metadata
    metadata = Metadata(
        currency=ours.currency or theirs.currency,
        pieces=placed.metadata.pieces,
        captured=ours.captured + theirs.captured,
        refunded=ours.refunded + theirs.refunded,
        paid_at=ours.paid_at or theirs.paid_at,
        placed_logged=placed.metadata.placed_logged,
        paid_logged=ours.paid_logged or theirs.paid_logged,
        outcomes=sorted({*ours.outcomes, *theirs.outcomes}),
    )
    return OrderMetric(one.id, one.order_id, one.user_id, placed.amount, placed.timestamp, metadata)
