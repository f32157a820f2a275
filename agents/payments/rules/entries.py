"""The ledger's lines, and the sums of an order's."""

from datetime import datetime

from agents.payments.rules import happened
from agents.payments.rules.happened import Happened
from agents.payments.tables import Balance, Entry


def entry_of(event: Happened, at: datetime) -> Entry:
    """The line that an event adds."""
    return Entry(
        operation_key=happened.key_of(event),
        outcome=happened.outcome_of(event),
        order_id=event.order_id,
        payment_id=event.payment_id,
        user_id=event.user_id,
        operation=happened.operation_of(event),
        amount=event.amount,
        currency=event.currency,
        at=at,
        refund_id=happened.refund_of(event),
        code=happened.code_of(event),
    )


def added(balance: Balance | None, entry: Entry) -> Balance:
    """The sums with one more line."""
    sums = balance or Balance(entry.order_id, entry.user_id, entry.currency)
    match entry.outcome:
        case "authorized":
            sums.authorized += entry.amount
        case "captured":
            sums.captured += entry.amount
        case "voided":
            sums.voided += entry.amount
        case "refunded":
            sums.refunded += entry.amount
    return sums
