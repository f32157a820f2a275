"""Money of one currency, and from how many orders it is."""

from decimal import Decimal

from streams import Record


class Takings(Record):
    """An amount of money, and from how many orders."""

    amount: Decimal = Decimal(0)
    orders: int = 0

    def __add__(self, other: "Takings") -> "Takings":
        return Takings(self.amount + other.amount, self.orders + other.orders)


def add(one: Takings, other: Takings) -> Takings:
    """The sum of what partitions hold."""
    return one + other
