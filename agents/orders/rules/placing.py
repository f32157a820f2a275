"""Placing an order."""

from decimal import Decimal
from typing import Final

from agents.orders.events import Line, OrderCommandRefused, OrderCreated, OrderPlace
from agents.orders.order import DEAREST, Order, Payment, Step
from agents.orders.rules.amounts import PLACES, is_amount
from agents.orders.rules.asking import wait
from agents.orders.rules.change import Change, Moment
from agents.orders.statuses import Asked, PaymentStatus, Status

MOST: Final = 1_000_000
"""Pieces of one line."""


def place(command: OrderPlace, moment: Moment) -> Change:
    """A new order, which asks for its goods."""
    order = _new(command, moment)
    change = Change(order, moment)
    change.tell(
        OrderCreated(
            order.id,
            order.user_id,
            order.items,
            order.total,
            order.currency,
            order.shipping_address,
            moment.log_time + moment.patience,
        )
    )
    wait(change, Asked.RESERVE)
    return change


def refusal(command: OrderPlace) -> OrderCommandRefused | None:
    """What is told of a command that contradicts itself."""
    reason = _unacceptable(command)
    return OrderCommandRefused(command.order_id, command.user_id, "order.place", reason) if reason else None


def total_of(items: list[Line]) -> Decimal:
    """Σ price × quantity."""
    return sum((line.price * line.quantity for line in items), Decimal(0))


def _unacceptable(command: OrderPlace) -> str:
    if not command.items:
        return "an order needs at least one line"
    if not all(1 <= line.quantity <= MOST for line in command.items):
        return f"a quantity is at least 1, and at most {MOST:,}"
    if not all(is_amount(line.price) for line in command.items):
        return f"a price is a number, not negative, below {DEAREST:,} and with at most {PLACES} decimal places"
    if total_of(command.items) >= DEAREST:
        return f"a total is below {DEAREST:,}"
    return ""


def _new(command: OrderPlace, moment: Moment) -> Order:
    return Order(
        id=command.order_id,
        user_id=command.user_id,
        items=command.items,
        total=total_of(command.items),
        currency=command.currency,
        status=Status.PENDING,
        payment_status=PaymentStatus.NONE,
        shipping_address=command.shipping_address,
        created_at=moment.time,
        updated_at=moment.time,
        version=1,
        history=[Step(Status.PENDING, moment.time, f"user {command.user_id}", "placed")],
        payment=Payment(command.payment_token),
    )
