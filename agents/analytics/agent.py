"""The analytics agent. Revenue comes from captures alone: counting paid orders too would count the same money twice."""

from typing import Any, Final
from uuid import UUID

from agents.analytics import journeys, rules
from agents.analytics.events import CartAdded, CheckoutStarted, ProductViewed
from agents.analytics.rules import Counted
from agents.analytics.tables import (
    ALL,
    LEVELS,
    app,
    cohorts,
    funnel,
    order_metrics,
    product_sales,
    revenue,
    row_of,
    visitors,
)
from agents.analytics.takings import Takings
from agents.analytics.tally import Fact
from agents.analytics.touched import A_DAY_MS, Activity, day, sales_row, someone
from agents.analytics.visitor import STEPS
from agents.auth.events import UserCreated
from agents.orders.events import OrderCreated, OrderPaid
from agents.payments.events import PaymentCaptured, PaymentFailed, PaymentRefunded
from streams import Event, Stream

everything = app.topic(
    "analytics.all.events",
    value_type=OrderCreated
    | OrderPaid
    | PaymentCaptured
    | PaymentFailed
    | PaymentRefunded
    | UserCreated
    | ProductViewed
    | CartAdded
    | CheckoutStarted,
)
VIEWED, CART, CHECKOUT, CREATED, CAPTURED = range(len(STEPS))
STEP_OF: Final = {ProductViewed: VIEWED, CartAdded: CART, CheckoutStarted: CHECKOUT}


@app.agent(everything, name="analytics")
async def count(stream: Stream[Any]) -> None:
    """Each event into its tables."""
    async for event in stream.events():
        match event.value:
            case OrderCreated() as created:
                _placed(created, event)
            case OrderPaid() as paid:
                _keep(rules.paid(order_metrics.get(str(paid.order_id)), paid, event.time, event.log_time))
            case PaymentCaptured() as captured:
                _captured(captured, event)
            case PaymentRefunded() as refunded:
                _refunded(refunded, event)
            case PaymentFailed() as failed:
                _keep(rules.failed(order_metrics.get(str(failed.order_id)), failed, event.time))
            case UserCreated() as user:
                _signed_up(user.user_id, event)
            case ProductViewed() | CartAdded() | CheckoutStarted() as activity:
                _acted(activity, event)


def _placed(created: OrderCreated, event: Event[Any]) -> None:
    counted = rules.placed(order_metrics.get(str(created.order_id)), created, event.time, event.log_time)
    if _keep(counted):
        for product_id, pieces in rules.pieces_of(created).items():
            product_sales[sales_row(event.time_ms, product_id)].sell(pieces)
        _step(str(created.user_id), CREATED, event)


def _captured(captured: PaymentCaptured, event: Event[Any]) -> None:
    counted = rules.captured(order_metrics.get(str(captured.order_id)), captured, event.time)
    if _keep(counted):
        _earn(captured.currency, Takings(captured.amount, 1), event)
        _step(str(captured.user_id), CAPTURED, event)
        _bought(str(captured.user_id), event)


def _refunded(refunded: PaymentRefunded, event: Event[Any]) -> None:
    if _keep(rules.refunded(order_metrics.get(str(refunded.order_id)), refunded, event.time)):
        _earn(refunded.currency, Takings(-refunded.amount, 0), event)


def _earn(currency: str, takings: Takings, event: Event[Any]) -> None:
    row = row_of(currency, event.time_ms // A_DAY_MS * A_DAY_MS)
    revenue.table[row] += takings


def _signed_up(user_id: UUID, event: Event[Any]) -> None:
    month = _month(event)
    visitor = visitors[str(user_id)]
    if visitor.signup is None:
        cohort = cohorts[month]
        cohort.users += 1
        for bought in journeys.sign_up(visitor, month):
            cohort.bought_in(bought)


def _bought(user: str, event: Event[Any]) -> None:
    visitor, month = visitors[user], _month(event)
    if journeys.buy(visitor, month) and visitor.signup is not None:
        cohorts[visitor.signup].bought_in(month)


def _acted(activity: Activity, event: Event[Any]) -> None:
    for visitor in someone(activity):
        _step(visitor, STEP_OF[type(activity)], event)


def _step(visitor: str, which: int, event: Event[Any]) -> None:
    for reached in journeys.step(visitors[visitor], which, event.time_ms):
        funnel.table[row_of(ALL, reached.day * A_DAY_MS)].reach(reached.before, reached.after)


def _keep(counted: Counted) -> bool:
    """Keep what an order has become, and count; False where there is nothing to count."""
    if counted.metric is None:
        return False
    order_metrics[str(counted.metric.order_id)] = counted.metric
    for fact in counted.facts:
        _count(fact)
    return True


def _count(fact: Fact) -> None:
    for level in LEVELS:
        level.windows.table[level.row(fact.at)].count(fact)


def _month(event: Event[Any]) -> str:
    return day(event.time_ms // A_DAY_MS)[:7]
