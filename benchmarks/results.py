"""What subjects make of the orders, and whether it is right."""

from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.orders import orders


class WrongResult(Exception):
    """A subject did not count what there was to count; its time is worth nothing."""


class Spending(NamedTuple):
    """How many orders, and how much money."""

    orders: int
    cents: int


class Tally:
    """What a stateless subject keeps: enough to tell that it read every order once."""

    def __init__(self) -> None:
        self.orders = 0
        self.cents = 0

    def add(self, cents: int) -> None:
        """Count an order."""
        self.orders += 1
        self.cents += cents

    def check(self, count: int) -> None:
        """Raises WrongResult where it is not the first `count` orders."""
        expected = Spending(count, sum(order.cents for order in orders(count)))
        if (self.orders, self.cents) != expected:
            raise WrongResult(f"read {self.orders:,} orders of {self.cents:,} cents, there are {expected}")


def check_spending(found: Mapping[str, Spending], count: int) -> None:
    """Raises WrongResult where any user's spending is not exactly what the first `count` orders make."""
    expected: dict[str, Spending] = {}
    for user, cents in orders(count):
        before = expected.get(user, Spending(0, 0))
        expected[user] = Spending(before.orders + 1, before.cents + cents)
    wrong = [user for user in expected.keys() | found.keys() if found.get(user) != expected.get(user)]
    if wrong:
        one = f"{wrong[0]} has {found.get(wrong[0])}, not {expected.get(wrong[0])}"
        raise WrongResult(f"{len(wrong):,} of {len(expected):,} users are wrong: {one}")
