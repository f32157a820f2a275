"""What each event counts for, as functions of values: no tables, no clock.

Whatever comes twice counts once, and events may come in any order: the sums are the same.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from agents.analytics.order_metric import OrderMetric
from agents.analytics.tally import Fact
from agents.orders.events import OrderCreated, OrderPaid
from agents.payments.events import PaymentCaptured, PaymentFailed, PaymentOperation, PaymentRefunded
from streams.windows import milliseconds

NAMESPACE: Final = UUID("5b0c8f0e-58c1-5e0f-9d0e-6f7a3f1f4c22")
"""Namespace of the ids of order metrics."""
TRIES: Final = frozenset({PaymentOperation.AUTHORIZE, PaymentOperation.CAPTURE})
"""The operations whose failure is a payment's. A void or a refund that fails is not."""

_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Counted(NamedTuple):
    """What an order has become, and what is to be counted; nothing of it where the event counts for nothing."""

    metric: OrderMetric | None = None
    facts: tuple[Fact, ...] = ()


NOTHING: Final = Counted()


def placed(known: OrderMetric | None, event: OrderCreated, at: datetime, logged: datetime) -> Counted:
    """An order was placed; `logged` is when the log took the event."""
    metric = known or _new(event.order_id, event.user_id)
    if metric.timestamp is not None:
        return NOTHING
    metric.timestamp = at
    metric.metadata.placed_logged = logged
    metric.amount = event.total
    metric.metadata.currency = event.currency
    metric.metadata.pieces = sum(line.quantity for line in event.items)
    return Counted(metric, (Fact(_ms(at), orders=1), *_waited(metric)))


def paid(known: OrderMetric | None, event: OrderPaid, at: datetime, logged: datetime) -> Counted:
    """An order was paid; `logged` is when the log took the event."""
    metric = known or _new(event.order_id, event.user_id)
    if metric.metadata.paid_at is not None:
        return NOTHING
    metric.metadata.paid_at = at
    metric.metadata.paid_logged = logged
    return Counted(metric, _waited(metric))


def captured(known: OrderMetric | None, event: PaymentCaptured, at: datetime) -> Counted:
    """Money was taken."""
    metric = known or _new(event.order_id, event.user_id)
    if not _first(metric, "capture:captured"):
        return NOTHING
    metric.metadata.captured += event.amount
    metric.metadata.currency = event.currency
    return Counted(metric, (Fact(_ms(at), currency=event.currency, captured=event.amount, succeeded=1),))


def refunded(known: OrderMetric | None, event: PaymentRefunded, at: datetime) -> Counted:
    """Money was given back."""
    metric = known or _new(event.order_id, event.user_id)
    if not _first(metric, f"refund:{event.refund_id}:refunded"):
        return NOTHING
    metric.metadata.refunded += event.amount
    metric.metadata.currency = event.currency
    return Counted(metric, (Fact(_ms(at), currency=event.currency, refunded=event.amount),))


def failed(known: OrderMetric | None, event: PaymentFailed, at: datetime) -> Counted:
    """A payment came to nothing."""
    metric = known or _new(event.order_id, event.user_id)
    if event.operation not in TRIES or not _first(metric, f"{event.operation}:failed"):
        return NOTHING
    return Counted(metric, (Fact(_ms(at), failed=1),))


def pieces_of(event: OrderCreated) -> dict[UUID, int]:
    """How many pieces of each product an order has."""
    pieces: dict[UUID, int] = {}
    for line in event.items:
        pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity
    return pieces


def _new(order_id: UUID, user_id: UUID) -> OrderMetric:
    return OrderMetric(uuid5(NAMESPACE, str(order_id)), order_id, user_id)


def _first(metric: OrderMetric, outcome: str) -> bool:
    """Take note of an outcome; False where it is counted already."""
    if outcome in metric.metadata.outcomes:
        return False
    metric.metadata.outcomes = sorted([*metric.metadata.outcomes, outcome])
    return True


def _waited(metric: OrderMetric) -> tuple[Fact, ...]:
    """How long an order took by the log's clock, once both its ends are known; at the time that it was paid.

    What follows from an event happens, by its own time, when that did: the whole life of an order is one moment.
    """
    metadata = metric.metadata
    if metadata.placed_logged is None or metadata.paid_logged is None or metadata.paid_at is None:
        return ()
    wait = milliseconds(metadata.paid_logged - metadata.placed_logged)
    return (Fact(_ms(metadata.paid_at), wait=max(0, wait)),)


def _ms(at: datetime) -> int:
    return milliseconds(at - _1970)
