"""The orders agent: reads the saga's log, decides by the rules, keeps the order, tells what happened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agents.orders import rules
from agents.orders.events import (
    OrderCommandRefused,
    OrderCreated,
    OrderPaid,
    OrderPaymentFailed,
    OrderPlace,
)
from agents.orders.tables import Order, app, orders
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from streams import Record, Stream

saga = app.topic("orders.saga", value_type=OrderPlace | PaymentCaptured | PaymentFailed)
events = app.topic("order.events", value_type=OrderCreated | OrderPaid | OrderPaymentFailed | OrderCommandRefused)
commands = app.topic("commands", value_type=PaymentCapture)


@app.agent(saga, name="orders")
async def run_saga(stream: Stream[Any]) -> None:
    """Each event of the saga moves one order on."""
    async for event in stream.events():
        decision = decide(orders.get(event.value.order_id), event.value, event.time)
        if decision.order is not None:
            orders[decision.order.id] = decision.order
        await tell(decision.sends)


def decide(order: Order | None, event: Record, at: datetime) -> rules.Decision:
    """The rule for each event."""
    match event:
        case OrderPlace():
            return rules.place(order, event, at)
        case PaymentCaptured():
            return rules.captured(order, event, at)
        case PaymentFailed():
            return rules.failed(order, event, at)
    raise TypeError(f"the saga does not know {type(event).__name__}")


async def tell(sends: Sequence[Any]) -> None:
    """Send each record to where its kind belongs."""
    for record in sends:
        topic = commands if isinstance(record, PaymentCapture) else events
        await topic.send(value=record, key=record.order_id)
