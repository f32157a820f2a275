"""Revenue by currency and stretch of time, over all partitions."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote

from agents.analytics.tables import ALL, HOUR, revenue
from agents.analytics.takings import Takings
from api.analytics_bodies import Revenue, revenue_body
from api.dependencies import MOST
from api.edge import Edge
from api.stretches import Step, Stretches, begin
from streams import View

ByCurrency = dict[str, dict[datetime, Takings]]
"""Currency -> beginning of a stretch -> what was taken."""


async def revenue_of(edge: Edge, stretches: Stretches, currency: str | None) -> list[Revenue]:
    """What each currency took, in the order of their names; of one currency also where it took nothing."""
    found = await _taken(edge, stretches, currency)
    if currency is not None:
        found = {currency: found.get(currency, {})}
    return [
        revenue_body(name, stretches.start, stretches.end, {at: (t.amount, t.orders) for at, t in sums.items()})
        for name, sums in sorted(found.items())
    ]


async def _taken(edge: Edge, stretches: Stretches, currency: str | None) -> ByCurrency:
    if stretches.step is Step.HOUR:
        return await _by_hour(edge, stretches)
    view = edge.view("analytics", revenue)
    if currency is None:
        return await _by_day(view, stretches)
    days = await view.windows(currency, stretches.windows)
    return _summed(stretches, ((currency, day, takings) for day, takings in days.items()))


async def _by_day(view: View[Takings], stretches: Stretches) -> ByCurrency:
    """A table by day is small enough to be read whole."""
    rows: list[tuple[str, datetime, Takings]] = []
    cursor: str | None = None
    while True:
        page = await view.query(limit=MOST, cursor=cursor)
        for key, takings in page.items:
            name, _, start = key.rpartition("|")
            rows.append((unquote(name), datetime.fromisoformat(start), takings))
        cursor = page.cursor
        if cursor is None:
            return _summed(stretches, rows)


async def _by_hour(edge: Edge, stretches: Stretches) -> ByCurrency:
    hours = await edge.view("analytics", HOUR.windows).windows(ALL, stretches.windows)
    return _summed(
        stretches,
        (
            (currency, start, Takings(money.captured - money.refunded, money.orders))
            for start, tally in hours.items()
            for currency, money in tally.money.items()
        ),
    )


def _summed(stretches: Stretches, rows: Iterable[tuple[str, datetime, Takings]]) -> ByCurrency:
    sums: ByCurrency = {}
    for currency, time, takings in rows:
        if time in stretches:
            of_currency = sums.setdefault(currency, {})
            start = begin(stretches.step, time)
            of_currency[start] = of_currency.get(start, Takings(Decimal(0), 0)) + takings
    return sums
