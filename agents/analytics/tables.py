"""What analytics keeps. Every table has a `merge`, so that the log may have any number of partitions.

In memory are windows that expire, and a row for each month. What grows with orders, users and products is in the store.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from agents.analytics import order_metric, sales, takings, tally, visitor
from agents.analytics.order_metric import OrderMetric
from agents.analytics.sales import Sales
from agents.analytics.takings import Takings
from agents.analytics.tally import Tally
from agents.analytics.touched import lines_of, order_of, visitor_of
from agents.analytics.visitor import Cohort, Funnel, Visitor
from streams import App, WindowedTable
from streams.keys import window_key

app = App("analytics")

ALL: Final = "all"
"""The key of what is counted over everybody."""
_A_CENTURY: Final = timedelta(days=36_525)
"""Of days: figures of data that is replayed years later stand beside those of today."""


@lru_cache(maxsize=8_192)
def row_of(key: str, start: int) -> str:
    """The row of a key's window that begins at a time (ms). An event touches several, most of them again and again."""
    return window_key(key, start)


@dataclass(frozen=True, slots=True)
class Level:
    """Tallies by stretches of one length."""

    size: timedelta
    windows: WindowedTable[Tally]

    def row(self, at: int) -> str:
        """The row of the stretch that a time (ms) lies in."""
        return row_of(ALL, self.windows.windowing.current(at))


def _level(name: str, size: timedelta, expires: timedelta) -> Level:
    table = app.Table(f"tally_by_{name}", default=Tally, merge=tally.together)
    return Level(size, table.tumbling(size, expires))


TEN_SECONDS: Final = _level("ten_seconds", timedelta(seconds=10), timedelta(hours=2))
MINUTE: Final = _level("minute", timedelta(minutes=1), timedelta(days=3))
HOUR: Final = _level("hour", timedelta(hours=1), timedelta(days=400))
DAY: Final = _level("day", timedelta(days=1), _A_CENTURY)
LEVELS: Final = (TEN_SECONDS, MINUTE, HOUR, DAY)
"""Months are put together from days when somebody asks."""

revenue: Final = app.Table("revenue", default=Takings, merge=takings.add).tumbling(timedelta(days=1), _A_CENTURY)
"""Captured less refunded money by currency and day of event time."""

funnel: Final = app.Table("funnel", default=Funnel, merge=visitor.funnels_together).tumbling(
    timedelta(days=1), _A_CENTURY
)
"""How far the visitors of each day have come, under the key `all`."""

cohorts: Final = app.Table("cohorts", default=Cohort, merge=visitor.cohorts_together)
"""Users by the month of their account, `2026-01`: twelve rows a year."""

order_metrics: Final = app.Table(
    "order_metrics", value_type=OrderMetric, merge=order_metric.together, resident=False, keys=order_of
)
"""By order id."""

visitors: Final = app.Table(
    "visitors", default=Visitor, merge=visitor.visitors_together, resident=False, keys=visitor_of
)
"""By user id; by `session:…` of who is not logged in."""

product_sales: Final = app.Table("product_sales", default=Sales, merge=sales.together, resident=False, keys=lines_of)
"""By day and product, `2026-01-31|…`."""
