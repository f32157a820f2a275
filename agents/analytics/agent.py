"""The analytics agent. Revenue comes from captures alone: counting paid orders too would count the same money twice."""

from typing import Any

from agents.analytics.tables import Takings, app, orders_by_minute, revenue, revenue_by_minute
from agents.orders.events import OrderCreated
from agents.payments.events import PaymentCaptured
from streams import Stream

everything = app.topic("analytics.all.events", value_type=OrderCreated | PaymentCaptured)


@app.agent(everything, name="analytics")
async def count(stream: Stream[Any]) -> None:
    """Each event into its windows."""
    async for event in stream:
        match event:
            case PaymentCaptured(amount=amount, currency=currency):
                revenue[currency] += Takings(amount, 1)
                revenue_by_minute[currency] += Takings(amount, 1)
            case OrderCreated():
                orders_by_minute["all"] += 1
