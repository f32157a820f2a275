"""The orders agent: reads the saga's log, decides by the rules, keeps the order, tells what happened."""

from agents.orders.events import OrderOverdue
from agents.orders.patience import patience
from agents.orders.rules.change import Moment
from agents.orders.rules.deciding import SagaEvent, decide
from agents.orders.rules.telling import News, Request, Send
from agents.orders.tables import app, orders
from streams import Stream

saga = app.topic("orders.saga", value_type=SagaEvent)
events = app.topic("order.events", value_type=News)
commands = app.topic("commands", value_type=Request)


@app.agent(saga, name="orders")
async def run_saga(stream: Stream[SagaEvent]) -> None:
    """Each event of the saga moves one order on."""
    async for event in stream.events():
        id = event.value.order_id
        decision = decide(orders.get(id), event.value, Moment(event.time, event.log_time, patience.value))
        if decision.order is not None:
            orders[id] = decision.order
        if decision.schedule is not None:
            stream.schedule(id, decision.schedule, OrderOverdue(id))
        elif decision.unschedule:
            stream.unschedule(id)
        for send in decision.sends:
            await tell(send)


async def tell(send: Send) -> None:
    """Send a record to where its kind belongs."""
    topic = events if isinstance(send.record, News) else commands
    await topic.send(value=send.record, key=send.record.order_id, time=send.time)
