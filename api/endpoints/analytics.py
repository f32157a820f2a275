"""What the shop takes, for dashboards."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Query
from pydantic import Field

from agents.analytics.tables import revenue
from agents.analytics.takings import Takings
from api.bodies import Body, Currency, Money, Page
from api.caller import guarded
from api.days import Days, days_between
from api.dependencies import MOST, GivenEdge
from api.openapi import problems
from streams import View
from streams.event import moment

router = APIRouter(
    prefix="/api/analytics", tags=["analytics"], dependencies=[guarded("analytics:read")], responses=problems(401, 403)
)


class Bucket(Body):
    """A day that took money: its midnight, the sum, and from how many orders."""

    start: datetime
    amount: Money
    orders: int


class Revenue(Body):
    """Money taken in one currency, by day. `from` and `to` are the midnights that were counted between."""

    currency: str
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    total: Money
    buckets: list[Bucket]


@router.get("/revenue", responses=problems(422, 503))
async def get_revenue(
    edge: GivenEdge,
    from_: Annotated[str | None, Query(alias="from", description="A date or RFC 3339 time.")] = None,
    to: Annotated[str | None, Query(description="A date or RFC 3339 time; it is not counted itself.")] = None,
    currency: Currency | None = None,
) -> Revenue | Page[Revenue]:
    """Captured money by day of the event, in UTC, `[from, to)`; without them the 30 days that end with today.

    With `currency` it is that currency's revenue, also where there is none; without, a page of one for each currency
    that took money then. Days are counted whole: a time within a day stands for all of it. Days without money are left
    out. At most 3,660 days.
    """
    days = days_between(from_, to, moment(edge.now()))
    view = edge.view("analytics", revenue)
    if currency is not None:
        return _revenue(currency, days, await view.windows(currency, list(days)))
    found = await _by_currency(view, days)
    return Page(items=[_revenue(name, days, windows) for name, windows in sorted(found.items())])


async def _by_currency(view: View[Takings], days: Days) -> dict[str, dict[datetime, Takings]]:
    """Currency -> day -> what was taken, over all partitions. A table by day is small enough to be read whole."""
    found: dict[str, dict[datetime, Takings]] = {}
    async for key, takings in _rows(view):
        name, _, start = key.rpartition("|")
        day = datetime.fromisoformat(start)
        if day in days:
            windows = found.setdefault(unquote(name), {})
            windows[day] = windows.get(day, Takings()) + takings
    return found


async def _rows(view: View[Takings]) -> AsyncIterator[tuple[str, Takings]]:
    cursor: str | None = None
    while True:
        page = await view.query(limit=MOST, cursor=cursor)
        for row in page.items:
            yield row
        cursor = page.cursor
        if cursor is None:
            return


def _revenue(currency: str, days: Days, windows: Mapping[datetime, Takings]) -> Revenue:
    buckets = [Bucket(start=day, amount=taken.amount, orders=taken.orders) for day, taken in sorted(windows.items())]
    total = sum((bucket.amount for bucket in buckets), Decimal(0))
    return Revenue(currency=currency, from_=days.start, to=days.end, total=total, buckets=buckets)
