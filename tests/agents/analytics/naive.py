"""What analytics is to hold, computed straight from all events at once."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from agents.orders.events import OrderCreated, OrderPaid
from agents.payments.events import PaymentCaptured, PaymentFailed, PaymentRefunded
from streams import Record
from tests.agents.analytics.life import Happening

R = TypeVar("R", bound=Record)


def distinct(happenings: Iterable[Happening], kind: type[R]) -> list[tuple[R, int]]:
    """Records of one kind with their times; the first of those that are told twice."""
    found: dict[object, tuple[R, int]] = {}
    for happening in happenings:
        if isinstance(happening.record, kind):
            record = happening.record
            identity = getattr(record, "order_id", None), getattr(record, "refund_id", None)
            found.setdefault((*identity, getattr(record, "operation", None)), (record, happening.at))
    return list(found.values())


def day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def revenue(happenings: list[Happening]) -> dict[tuple[str, str], tuple[Decimal, int]]:
    """(Currency, day) -> captured less refunded, and how many captures."""
    sums: dict[tuple[str, str], tuple[Decimal, int]] = {}
    for capture, at in distinct(happenings, PaymentCaptured):
        amount, orders = sums.get((capture.currency, day(at)), (Decimal(0), 0))
        sums[capture.currency, day(at)] = amount + capture.amount, orders + 1
    for refund, at in distinct(happenings, PaymentRefunded):
        amount, orders = sums.get((refund.currency, day(at)), (Decimal(0), 0))
        sums[refund.currency, day(at)] = amount - refund.amount, orders
    return sums


def orders_and_payments(happenings: list[Happening]) -> tuple[int, int, int]:
    """Orders placed, payments that succeeded, payments that failed."""
    return (
        len(distinct(happenings, OrderCreated)),
        len(distinct(happenings, PaymentCaptured)),
        len(distinct(happenings, PaymentFailed)),
    )


def waits(happenings: list[Happening]) -> int:
    """How many orders were placed and paid."""
    placed = {record.order_id for record, _ in distinct(happenings, OrderCreated)}
    paid = {record.order_id for record, _ in distinct(happenings, OrderPaid)}
    return len(placed & paid)
