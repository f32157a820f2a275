"""4: each order ends, by a valid path. 14: its total is what its lines cost, and never changes."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tests.shop.invariants.evidence import Breach, Evidence
from tests.shop.invariants.rows import Order, Told, read, read_all

ORDERS: Final = "orders.orders"
EVERYTHING: Final = "analytics.all.events"

ENDS: Final = frozenset({"DELIVERED", "REJECTED", "EXPIRED", "PAYMENT_FAILED", "CANCELLED"})
RESTS: Final = frozenset({"PAID", "SHIPPED"})
_CAN_CANCEL: Final = frozenset({"CANCELLING"})
NEXT: Final = {
    "PENDING": {"RESERVED", "REJECTED"} | _CAN_CANCEL,
    "RESERVED": {"AUTHORIZED", "EXPIRED", "PAYMENT_FAILED"} | _CAN_CANCEL,
    "AUTHORIZED": {"CAPTURING", "EXPIRED"} | _CAN_CANCEL,
    "CAPTURING": {"PAID", "PAYMENT_FAILED"} | _CAN_CANCEL,
    "PAID": {"SHIPPED"} | _CAN_CANCEL,
    "SHIPPED": {"DELIVERED"},
    "CANCELLING": {"CANCELLED"},
}
"""Which status may follow which."""


def each_order_ends_by_a_valid_path(evidence: Evidence) -> Iterator[Breach]:
    """4."""
    for order in read_all(Order, evidence.rows(ORDERS).values()):
        about, statuses = f"order {order.id}", [step.status for step in order.history]
        if order.status not in ENDS | RESTS:
            yield Breach(4, about, f"it stands at {order.status}")
        if not statuses or statuses[0] != "PENDING" or statuses[-1] != order.status:
            yield Breach(4, about, f"its history {statuses} does not lead from PENDING to {order.status}")
        for one, other in pairwise(order.history):
            if other.status not in NEXT.get(one.status, ()):
                yield Breach(4, about, f"{other.status} follows {one.status}")
            if other.at < one.at:
                yield Breach(4, about, f"{other.status} at {other.at} comes after {one.status} at {one.at}")
        if any(not step.by or not step.why for step in order.history):
            yield Breach(4, about, "a step does not say who, or why")


def totals_are_what_lines_cost(evidence: Evidence) -> Iterator[Breach]:
    """14: in the row, and in every event of the order."""
    totals = {}
    for order in read_all(Order, evidence.rows(ORDERS).values()):
        totals[order.id] = sum(item.price * item.quantity for item in order.items)
        if order.total != totals[order.id]:
            yield Breach(14, f"order {order.id}", f"its total is {order.total}, its lines cost {totals[order.id]}")
    for message in evidence.logs.get(EVERYTHING, ()):
        if message.type.startswith("order."):
            told = read(Told, message.body)
            if told.total is not None and told.total != totals.get(told.order_id, told.total):
                yield Breach(
                    14, f"order {told.order_id}", f"{message.type} says {told.total}, not {totals[told.order_id]}"
                )
