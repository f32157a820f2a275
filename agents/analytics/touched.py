"""Which rows an event touches, of the tables that are not in memory: they are read before the event's turn."""

from functools import lru_cache
from typing import Final
from uuid import UUID

from agents.analytics.events import CartAdded, CheckoutStarted, ProductViewed
from agents.auth.events import UserCreated
from agents.orders.events import OrderCreated, OrderPaid
from agents.payments.events import PaymentCaptured, PaymentFailed, PaymentRefunded
from streams import Event, Record
from streams.keys import instant

A_DAY_MS: Final = 86_400_000

Activity = ProductViewed | CartAdded | CheckoutStarted

# Tuples: `isinstance` takes three times as long with a union, and this is asked of every event of the shop.
_ACTIVITIES: Final = (ProductViewed, CartAdded, CheckoutStarted)
_OF_ORDERS: Final = (OrderCreated, OrderPaid, PaymentCaptured, PaymentRefunded, PaymentFailed)
_OF_USERS: Final = (OrderCreated, PaymentCaptured, UserCreated)


def order_of(event: Event[Record]) -> list[str]:
    """The order, of events that count for one."""
    value = event.value
    return [str(value.order_id)] if isinstance(value, _OF_ORDERS) else []


def visitor_of(event: Event[Record]) -> list[str]:
    """The visitor, of events that are a step or make a cohort; none where nobody knows who it was."""
    value = event.value
    if isinstance(value, _ACTIVITIES):
        return someone(value)
    return [str(value.user_id)] if isinstance(value, _OF_USERS) else []


def someone(activity: Activity) -> list[str]:
    """Who it was: a user, else a session, else nobody."""
    if activity.user_id is not None:
        return [str(activity.user_id)]
    return [f"session:{activity.session_id}"] if activity.session_id else []


def lines_of(event: Event[Record]) -> list[str]:
    """The day's rows of the products of an order that is placed."""
    value = event.value
    return (
        [sales_row(event.time_ms, line.product_id) for line in value.items] if isinstance(value, OrderCreated) else []
    )


def sales_row(at: int, product_id: UUID) -> str:
    """The row of a product on the day of a time (ms)."""
    return f"{day(at // A_DAY_MS)}|{product_id}"


@lru_cache(maxsize=1_024)
def day(number: int) -> str:
    """The day with this number from 1970: `2026-01-31`."""
    return instant(number * A_DAY_MS)[:10]
