"""What the shop takes and how it does, for analysts and dashboards."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from agents.analytics.tables import ALL, DAY, HOUR, MINUTE, cohorts
from agents.analytics.tally import Tally
from agents.analytics.visitor import Cohort
from api.analytics_bodies import (
    CohortBody,
    CohortMonth,
    FunnelBody,
    OrdersBucket,
    Realtime,
    Revenue,
    SalesBody,
)
from api.bodies import Currency, Page
from api.caller import guarded
from api.dependencies import Cursor, GivenEdge, Limit
from api.edge import Edge
from api.funnels import funnel_of
from api.openapi import problems
from api.problems import Problem
from api.realtime import realtime
from api.selling import best_sellers
from api.stretches import Step, Stretches, begin, stretches_between
from api.takings import revenue_of
from streams.event import moment

router = APIRouter(
    prefix="/api/analytics", tags=["analytics"], dependencies=[guarded("analytics:read")], responses=problems(401, 403)
)

From = Annotated[str | None, Query(alias="from", description="A date or RFC 3339 time.")]
To = Annotated[str | None, Query(description="A date or RFC 3339 time; it is not counted itself.")]

LEVELS: Final = {Step.MINUTE: MINUTE, Step.HOUR: HOUR, Step.DAY: DAY, Step.MONTH: DAY}
MOST_DAYS: Final = 31
"""Of product sales: each day has a row for each of its products."""


@router.get("/realtime", responses=problems(503))
async def get_realtime(edge: GivenEdge) -> Realtime:
    """The last 10 seconds, minute and hour: orders, money, failed payments, and how long orders take to be paid."""
    return await realtime(edge)


@router.get("/orders", responses=problems(422, 503))
async def get_order_history(
    edge: GivenEdge,
    from_: From = None,
    to: To = None,
    step: Step = Step.DAY,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[OrdersBucket]:
    """Orders, payments and waits by minute, hour, day or month of the event, in UTC, `[from, to)`.

    Stretches are counted whole: a time within a day stands for all of it. Those in which nothing happened are left out,
    so that a page may have fewer than `limit`. By default it is the last day by minutes or hours, 30 days, or a year of
    months. Minutes are kept for 3 days, hours for 400, days for a century.
    """
    all_of_them = stretches_between(from_, to, moment(edge.now()), step)
    asked, next_cursor = all_of_them.page(cursor, limit)
    sums = await _tallies(edge, asked)
    return Page(
        items=[OrdersBucket.of(tally, start=start) for start, tally in sorted(sums.items())], next_cursor=next_cursor
    )


@router.get("/revenue", responses=problems(422, 503))
async def get_revenue(
    edge: GivenEdge,
    from_: From = None,
    to: To = None,
    currency: Currency | None = None,
    step: Literal["hour", "day", "month"] = "day",
) -> Revenue | Page[Revenue]:
    """Captured less refunded money by day (hour, month) of the event, in UTC, `[from, to)`; without them the 30 days
    that end with today.

    With `currency` it is that currency's revenue, also where there is none; without, a page of one for each currency
    that took money then. Days are counted whole: a time within a day stands for all of it. Days without money are left
    out. At most 3,660 days, of hours 92.
    """
    found = await revenue_of(edge, stretches_between(from_, to, moment(edge.now()), Step(step)), currency)
    return Page(items=found) if currency is None else found[0]


@router.get("/funnel", responses=problems(422, 503))
async def get_funnel(edge: GivenEdge, from_: From = None, to: To = None) -> FunnelBody:
    """How many visitors came how far: viewed, cart, checkout, created, captured, in this order and within 24 hours of
    the view, by the day (UTC) of the view. Each visitor counts once a day."""
    days = stretches_between(from_, to, moment(edge.now()))
    return await funnel_of(edge, days)


@router.get("/cohorts", responses=problems(422, 503))
async def get_cohorts(
    edge: GivenEdge, from_: From = None, to: To = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[CohortBody]:
    """Users by the month (UTC) of their account, and how many of them had a payment captured in each month."""
    months = stretches_between(from_, to, moment(edge.now()), Step.MONTH)
    asked, next_cursor = months.page(cursor, limit)
    names = [f"{start:%Y-%m}" for start in asked]
    found = await edge.view("analytics", cohorts).get_many([*names])
    return Page(items=[_cohort(name, found[name]) for name in names if name in found], next_cursor=next_cursor)


@router.get("/products", responses=problems(422, 503))
async def get_best_sellers(
    edge: GivenEdge, from_: From = None, to: To = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[SalesBody]:
    """Products by how much of them was ordered on the days (UTC) `[from, to)`, the most ordered first.

    At most 31 days.
    """
    days = stretches_between(from_, to, moment(edge.now()))
    if len(days.windows) > MOST_DAYS:
        raise Problem(422, "invalid_interval", f"more than {MOST_DAYS} days: ask for fewer at once")
    skipped = _number(cursor)
    found = await best_sellers(edge, days)
    end = skipped + limit
    return Page(items=found[skipped:end], next_cursor=str(end) if end < len(found) else None)


async def _tallies(edge: Edge, stretches: Stretches) -> dict[datetime, Tally]:
    """What each stretch has seen; those in which nothing happened are left out."""
    windows = await edge.view("analytics", LEVELS[stretches.step].windows).windows(ALL, stretches.windows)
    sums: dict[datetime, Tally] = {}
    for start, tally in windows.items():
        sums.setdefault(begin(stretches.step, start), Tally()).add(tally)
    return sums


def _cohort(month: str, cohort: Cohort) -> CohortBody:
    months = [CohortMonth(month=name, users=users) for name, users in sorted(cohort.months.items())]
    return CohortBody(month=month, users=cohort.users, months=months)


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise Problem(422, "invalid_query", "`cursor` is not the `nextCursor` of a page of this query")
    return int(cursor)
