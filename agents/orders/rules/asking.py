"""Asking other services, and asking them again when no answer has come in time."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from agents.orders.order import Order, Question, Refund
from agents.orders.rules.change import Change
from agents.orders.rules.commands import ASKED, FIRST, OPERATIONS, query, refund
from agents.orders.statuses import Asked
from agents.payments.events import PaymentUnknown

SHORTEST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(minutes=10)
"""Between two tries after that, doubled from the shortest to the longest."""
_DOUBLED: Final = 7
"""Times after which it is the longest."""


def ask(change: Change, what: Asked) -> None:
    """Ask another service for something, and wait for its answer."""
    change.tell(FIRST[what](change.order))
    wait(change, what)


def ask_refund(change: Change, wanted: Refund) -> None:
    """The same for a refund."""
    change.tell(refund(change.order, wanted))
    wait(change, Asked.REFUND, wanted.id)


def wait(change: Change, what: Asked, refund_id: UUID | None = None) -> None:
    """Wait for an answer to what was asked just now."""
    due = change.moment.log_time + change.moment.patience
    change.order.questions.append(Question(what, due, change.time, 0, refund_id))


def ask_again(change: Change, question: Question) -> None:
    """Ask once more. Payments are asked what became of it: a command that comes twice says less."""
    ask_now = query(change.order, question) if question.what in OPERATIONS else FIRST[question.what](change.order)
    change.tell(ask_now, question.since)
    question.due = change.moment.log_time + pause(question.tries)
    question.tries += 1


def pause(tries: int) -> timedelta:
    """How long the answer may take after so many tries before this one."""
    return min(SHORTEST * (1 << min(tries, _DOUBLED)), LONGEST)


def unknown(change: Change, event: PaymentUnknown) -> None:
    """Payments do not know yet: ask again soon."""
    soon = change.moment.log_time + SHORTEST
    for question in _about(change.order, ASKED[event.operation], event.refund_id):
        question.due = min(question.due, soon)


def answered(order: Order, *whats: Asked, refund_id: UUID | None = None) -> None:
    """Nothing of this is waited for any more."""
    for what in whats:
        for question in _about(order, what, refund_id):
            order.questions.remove(question)


def awaits(order: Order, what: Asked) -> bool:
    """Whether an answer to this is waited for."""
    return any(question.what is what for question in order.questions)


def _about(order: Order, what: Asked, refund_id: UUID | None) -> list[Question]:
    return [one for one in order.questions if one.what is what and one.refund_id == refund_id]
