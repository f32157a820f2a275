"""What every subject reads, and the checks of what it made of it."""

from collections.abc import Mapping

from benchmarks.orders import Totals, orders
from streams import Record


class WrongResult(Exception):
    """A subject did not count what there was to count; its time is worth nothing."""


class OrderCreated(Record, event="order.created"):
    """An order, as it is in the messages."""

    order_id: str
    user_id: str
    total_cents: int
    currency: str
    items: int


class Spending(Record):
    """What a user has ordered: a row of the counting subjects' tables."""

    orders: int = 0
    cents: int = 0


class Tally:
    """What a stateless subject keeps, enough to tell that it read every order once."""

    def __init__(self) -> None:
        self.orders = 0
        self.cents = 0

    def add(self, order: OrderCreated) -> None:
        """Count an order."""
        self.orders += 1
        self.cents += order.total_cents

    def check(self, count: int) -> None:
        """Raises WrongResult where it is not the first `count` orders."""
        cents = sum(order.cents for order in orders(count))
        if (self.orders, self.cents) != (count, cents):
            raise WrongResult(f"read {self.orders:,} orders of {self.cents:,} cents, not {count:,} of {cents:,}")


def check_spending(found: Mapping[str, Spending], count: int) -> None:
    """Raises WrongResult where a user's row is not exactly what the first `count` orders make."""
    totals = Totals.of(count)
    expected = {user: Spending(number, totals.cents[user]) for user, number in totals.orders.items()}
    if dict(found) != expected:
        wrong = [user for user in expected.keys() | found.keys() if found.get(user) != expected.get(user)]
        raise WrongResult(
            f"{len(wrong):,} of {len(expected):,} users are wrong; {wrong[0]}: {found.get(wrong[0])}, "
            f"not {expected.get(wrong[0])}"
        )
