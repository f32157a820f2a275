"""Bodies of the analytics endpoints."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from agents.analytics.histogram import quantile
from agents.analytics.tally import Tally
from agents.analytics.visitor import STEPS, Funnel
from api.bodies import Body, Money

Start = Annotated[datetime, Field(alias="from")]
"""`from` is a word of Python's own."""


class Bucket(Body):
    """A stretch of time that took money: its beginning, captured less refunded, and from how many orders."""

    start: datetime
    amount: Money
    orders: int


class Revenue(Body):
    """Captured less refunded money of one currency. `from` and `to` are what was counted between."""

    currency: str
    from_: Start
    to: datetime
    total: Money
    buckets: list[Bucket]


class Taken(Body):
    """Of one currency: money captured, money refunded, and what is left (`amount`)."""

    currency: str
    captured: Money
    refunded: Money
    amount: Money
    orders: int


class Payments(Body):
    """How payments ended. `failureRate` is failed / all, null where there were none."""

    succeeded: int
    failed: int
    failure_rate: float | None


class Activity(Body):
    """What a stretch of time has seen. `p95Seconds`: 95 of 100 orders took no longer from placed to paid, within 2 %;
    null where none was paid."""

    orders: int
    payments: Payments
    p95_seconds: float | None
    revenue: list[Taken]

    @classmethod
    def of(cls, tally: Tally, **more: object) -> Self:
        """What a tally says."""
        settled = tally.succeeded + tally.failed
        rate = round(tally.failed / settled, 4) if settled else None
        wait = quantile(tally.waits, 0.95)
        return cls.model_validate(
            {
                "orders": tally.orders,
                "payments": Payments(succeeded=tally.succeeded, failed=tally.failed, failure_rate=rate),
                "p95_seconds": None if wait is None else round(wait / 1000, 3),
                "revenue": taken(tally),
                **more,
            }
        )


class OrdersBucket(Activity):
    """The same, and when the stretch begins."""

    start: datetime


class Over(Activity):
    """The last so many seconds: the last complete windows of ten seconds; of an hour the last sixty minutes, with the
    running one."""

    seconds: int
    orders_per_minute: float


class Minute(Body):
    """One minute: when it begins, how many orders were placed, and the money."""

    start: datetime
    orders: int
    revenue: list[Taken]


class Realtime(Body):
    """What goes on now. `minutes` are the last thirty, the running one included."""

    at: datetime
    over: list[Over]
    minutes: list[Minute]


class FunnelSteps(Body):
    """How many visitors viewed a product, and how many of them came how far within 24 hours."""

    viewed: int
    cart: int
    checkout: int
    created: int
    captured: int

    @classmethod
    def of(cls, funnel: Funnel, **more: object) -> Self:
        """What a funnel says."""
        return cls.model_validate({**{step: getattr(funnel, step) for step in STEPS}, **more})


class FunnelBucket(FunnelSteps):
    """The same, of the visitors of one day."""

    start: datetime


class FunnelBody(Body):
    """Funnels by day, and their sum. Somebody who came on two days counts in both."""

    from_: Start
    to: datetime
    total: FunnelSteps
    buckets: list[FunnelBucket]


class CohortMonth(Body):
    """A month, and how many of the cohort bought in it."""

    month: str
    users: int


class CohortBody(Body):
    """The users whose accounts are of one month, and the months they bought in."""

    month: str
    users: int
    months: list[CohortMonth]


class SalesBody(Body):
    """A product, and how much of it was ordered."""

    product_id: UUID
    pieces: int
    orders: int


def taken(tally: Tally) -> list[Taken]:
    """The money of a tally, by currency."""
    return [
        Taken(
            currency=currency,
            captured=money.captured,
            refunded=money.refunded,
            amount=money.captured - money.refunded,
            orders=money.orders,
        )
        for currency, money in sorted(tally.money.items())
    ]


def revenue_body(
    currency: str, start: datetime, end: datetime, amounts: Mapping[datetime, tuple[Decimal, int]]
) -> Revenue:
    """Amounts and numbers of orders by stretch, as they are answered."""
    buckets = [Bucket(start=begin, amount=amount, orders=orders) for begin, (amount, orders) in sorted(amounts.items())]
    total = sum((bucket.amount for bucket in buckets), Decimal(0))
    return Revenue(currency=currency, from_=start, to=end, total=total, buckets=buckets)
