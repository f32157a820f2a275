"""What happens to an order, as functions of values: no tables, no sends, no clock."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from agents.orders.events import (
    Line,
    OrderCommandRefused,
    OrderCreated,
    OrderPaid,
    OrderPaymentFailed,
    OrderPlace,
)
from agents.orders.tables import Order, PaymentStatus, Status, Step
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from streams import Record

NEXT: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.PAID, Status.PAYMENT_FAILED}),
    Status.PAID: frozenset(),
    Status.PAYMENT_FAILED: frozenset(),
}
"""Which status may follow which."""
MOST: Final = Decimal(10**9)
"""No price and no total is as much: sums of larger numbers with as many places would not be exact."""
PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Decision:
    """An order as it becomes, and what is told of it; no order: nothing changes."""

    order: Order | None
    sends: tuple[Record, ...] = ()


NOTHING: Final = Decision(None)


def total_of(items: list[Line]) -> Decimal:
    """Σ price × quantity."""
    return sum((line.price * line.quantity for line in items), Decimal(0))


def place(existing: Order | None, command: OrderPlace, at: datetime) -> Decision:
    """A new order asks for its money; one of total 0 is paid at once. The same order again changes nothing."""
    if existing is not None:
        return NOTHING
    reason = _unacceptable(command)
    if reason:
        refusal = OrderCommandRefused(command.order_id, command.user_id, "order.place", reason)
        return Decision(None, (refusal,))
    order = _new(command, at)
    created = OrderCreated(order.id, order.user_id, order.items, order.total, order.currency, order.shipping_address)
    if order.total == 0:
        paid = _become(order, Status.PAID, at, "orders", "nothing to pay")
        return Decision(paid, (created, _paid(paid)))
    capture = PaymentCapture(order.id, order.user_id, order.total, order.currency, command.payment_token)
    return Decision(order, (created, capture))


def captured(existing: Order | None, event: PaymentCaptured, at: datetime) -> Decision:
    """The money is there."""
    if existing is None or Status.PAID not in NEXT[existing.status]:
        return NOTHING
    order = _become(existing, Status.PAID, at, "payments", f"payment {event.payment_id}")
    order.payment_status = PaymentStatus.CAPTURED
    return Decision(order, (_paid(order),))


def failed(existing: Order | None, event: PaymentFailed, at: datetime) -> Decision:
    """There will be no money."""
    if existing is None or Status.PAYMENT_FAILED not in NEXT[existing.status]:
        return NOTHING
    order = _become(existing, Status.PAYMENT_FAILED, at, "payments", event.code)
    told = OrderPaymentFailed(order.id, order.user_id, order.total, order.currency, event.code)
    return Decision(order, (told,))


def _unacceptable(command: OrderPlace) -> str:
    if not command.items:
        return "an order needs at least one line"
    if any(line.quantity < 1 for line in command.items):
        return "a quantity is at least 1"
    if any(not line.price.is_finite() or line.price < 0 for line in command.items):
        return "a price is a number, and not negative"
    if any(line.price >= MOST or line.price != round(line.price, PLACES) for line in command.items):
        return f"a price is below {MOST:,} and has {PLACES} decimal places at the most"
    if total_of(command.items) >= MOST:
        return f"a total is below {MOST:,}"
    return ""


def _new(command: OrderPlace, at: datetime) -> Order:
    return Order(
        id=command.order_id,
        user_id=command.user_id,
        items=command.items,
        total=total_of(command.items),
        currency=command.currency,
        status=Status.PENDING,
        payment_status=PaymentStatus.NONE,
        shipping_address=command.shipping_address,
        created_at=at,
        updated_at=at,
        version=1,
        history=[Step(Status.PENDING, at, f"user {command.user_id}", "placed")],
    )


def _become(order: Order, status: Status, at: datetime, by: str, why: str) -> Order:
    order.status = status
    order.updated_at = at
    order.version += 1
    order.history = [*order.history, Step(status, at, by, why)]
    return order


def _paid(order: Order) -> OrderPaid:
    return OrderPaid(order.id, order.user_id, order.total, order.currency)
