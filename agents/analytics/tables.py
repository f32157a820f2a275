"""What analytics keeps."""

from datetime import timedelta
from decimal import Decimal

from streams import App, Record

app = App("analytics")


class Takings(Record):
    """An amount of money, and from how many orders."""

    amount: Decimal = Decimal(0)
    orders: int = 0

    def __add__(self, other: "Takings") -> "Takings":
        return Takings(self.amount + other.amount, self.orders + other.orders)


def add(one: Takings, other: Takings) -> Takings:
    """The sum of what partitions hold."""
    return one + other


revenue = app.Table("revenue", default=Takings, merge=add).tumbling(timedelta(days=1))
"""Captured money by currency and day of event time."""

revenue_by_minute = app.Table("revenue_by_minute", default=Takings, merge=add).tumbling(
    timedelta(minutes=1), expires=timedelta(days=7)
)
"""The same by minute, for live dashboards."""

orders_by_minute = app.Table("orders_by_minute", default=int, merge=int.__add__).tumbling(
    timedelta(minutes=1), expires=timedelta(days=7)
)
"""Orders placed by minute of event time, under the key `all`."""
