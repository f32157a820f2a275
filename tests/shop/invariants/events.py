"""10: every committed change has its event. 11: what was published, analytics saw. 18: causes have no cycle."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tests.shop.invariants.evidence import Breach, Evidence, Message
from tests.shop.invariants.rows import Entry, Notification, Order, Reservation, Told, read, read_all

EVERYTHING: Final = "analytics.all.events"
DEAD: Final = ("dead.letters", "unrouted")

_OF_STEP: Final = {
    "PENDING": "order.created",
    "PAID": "order.paid",
    "SHIPPED": "order.shipped",
    "DELIVERED": "order.delivered",
    "CANCELLED": "order.cancelled",
    "REJECTED": "order.rejected",
    "EXPIRED": "order.expired",
    "PAYMENT_FAILED": "order.payment_failed",
}
"""Statuses that are told."""
_OF_RESERVATION: Final = {
    "HELD": "inventory.reserved",
    "REJECTED": "inventory.rejected",
    "COMMITTED": "inventory.committed",
    "RELEASED": "inventory.released",
    "EXPIRED": "inventory.expired",
    "RESTOCKED": "inventory.restocked",
}
_OF_NOTIFICATION: Final = {
    "SENT": "notification.sent",
    "FAILED": "notification.failed",
    "SUPPRESSED": "notification.suppressed",
}

_EVENTS_IN: Final = {
    "orders.saga": ("inventory.", "payment.", "product."),
    "inventory.commands": ("order.created",),
    "payments.ledger": ("payment.",),
}
"""What there is of the five exchanges' events in other logs, by how their types begin."""

Change = tuple[str, str]
"""(event type, what it is about)."""


def first_of_each(messages: Iterable[Message], type: str) -> dict[str, Told]:
    """The events of a type by the order they are about: an order's first, as its repeats say the same."""
    found: dict[str, Told] = {}
    for message in messages:
        if message.type == type:
            told = read(Told, message.body)
            found.setdefault(told.order_id, told)
    return found


def every_change_has_its_event(evidence: Evidence) -> Iterator[Breach]:
    """10."""
    if EVERYTHING not in evidence.logs:
        return
    told = {(message.type, _about(message)) for message in evidence.logs[EVERYTHING]}
    for type, about in _changes(evidence):
        if (type, about) not in told:
            yield Breach(10, about, f"{type} was never published")


def _about(message: Message) -> str:
    told = read(Told, message.body)
    if message.type.startswith("notification."):
        return told.id
    if message.type.startswith("payment."):
        return f"{told.order_id}:{_operation(message.type, told)}"
    return told.order_id


def _operation(type: str, told: Told) -> str:
    named = {
        "payment.authorized": "authorize",
        "payment.captured": "capture",
        "payment.voided": "void",
        "payment.refunded": "refund",
        "payment.refund_stuck": "refund",
    }.get(type, told.operation)
    return f"{named}:{told.refund_id}" if named == "refund" else named


def _changes(evidence: Evidence) -> Iterator[Change]:
    for order in read_all(Order, evidence.rows("orders.orders").values()):
        yield from ((_OF_STEP[step.status], order.id) for step in order.history if step.status in _OF_STEP)
    for reservation in read_all(Reservation, evidence.rows("inventory.reservations").values()):
        yield _OF_RESERVATION[reservation.status], reservation.order_id
    for entry in read_all(Entry, evidence.rows("payments.ledger").values()):
        yield f"payment.{entry.outcome}", entry.operation_key
    for document in read_all(Notification, evidence.rows("notifications.notifications").values()):
        if document.status in _OF_NOTIFICATION:
            yield _OF_NOTIFICATION[document.status], document.id


def analytics_saw_everything(evidence: Evidence) -> Iterator[Breach]:
    """11. What a service reads of the five exchanges counts as published too."""
    if EVERYTHING not in evidence.logs:
        return
    seen = {message.id for message in evidence.logs[EVERYTHING]}
    dead = {message.id for name in DEAD for message in evidence.logs.get(name, ())}
    for id, type in _published(evidence).items():
        if id not in seen and id not in dead:
            yield Breach(11, f"event {id}", f"{type} was published, and analytics never saw it")


def _published(evidence: Evidence) -> dict[str, str]:
    published = dict(evidence.published)
    for name, begins in _EVENTS_IN.items():
        for message in evidence.logs.get(name, ()):
            if message.type.startswith(begins):
                published.setdefault(message.id, message.type)
    return published


def causes_have_no_cycle(evidence: Evidence) -> Iterator[Breach]:
    """18: from each event back to its first cause, with one correlation id.

    An outcome that several commands ask for is one event, and each of its copies says who asked for that one.
    """
    causes: dict[str, str] = {}
    correlations: dict[str, set[str]] = defaultdict(set)
    messages = [message for of_log in evidence.logs.values() for message in of_log]
    for message in messages:
        causes.setdefault(message.id, message.causation)
        correlations[message.id].add(message.correlation)
    yield from _cycles(causes)
    for message in messages:
        of_cause = correlations.get(message.causation)
        if of_cause is not None and message.correlation not in of_cause:
            others = f"its cause {message.causation} has {', '.join(sorted(of_cause))}"
            yield Breach(18, f"event {message.id}", f"its correlation id is {message.correlation}, {others}")


def _cycles(causes: Mapping[str, str]) -> Iterator[Breach]:
    sound: set[str] = set()
    for id in causes:
        path: dict[str, None] = {}
        here = id
        while here in causes and here not in sound:
            if here in path:
                yield Breach(18, f"event {here}", f"it is a cause of itself, by way of {', '.join(path)}")
                break
            path[here] = None
            here = causes[here]
        sound.update(path)
