"""What happens when answers do not come."""

from datetime import datetime
from typing import Final

from agents.orders.events import OrderOverdue
from agents.orders.order import Order, Question
from agents.orders.rules.asking import answered, ask_again
from agents.orders.rules.change import Change
from agents.orders.rules.course import reject
from agents.orders.statuses import Asked

BY: Final = "orders"
QUERIES: Final = 5
"""How often payments are asked what became of an authorization, before the order does without it. Whether money was
taken, or given back, is asked until it is known."""
UNKNOWN: Final = "payment_unknown"
"""The code of a payment that nobody knows the fate of."""


def overdue(change: Change, event: OrderOverdue) -> None:
    """A due time has come: its row is gone, and what has not been answered by now is asked again or given up."""
    now = change.moment.time
    change.order.alarm = None
    for question in [one for one in change.order.questions if one.due <= now]:
        _late(change, question)


def _late(change: Change, question: Question) -> None:
    order = change.order
    if question.what is Asked.RESERVE:
        answered(order, Asked.RESERVE)
        change.by, change.why = BY, "the inventory has not answered in time"
        reject(change)
    elif question.what is Asked.AUTHORIZE and question.tries == QUERIES:
        answered(order, Asked.AUTHORIZE)
        change.by = BY
        order.payment.refusal = UNKNOWN
    else:
        ask_again(change, question)


def next_alarm(order: Order) -> datetime | None:
    """When the order has to be looked at again; None: it waits for nobody."""
    return min((question.due for question in order.questions), default=None)
