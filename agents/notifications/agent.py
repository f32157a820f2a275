"""The notifications agent: keeps the message that it would send."""

from agents.notifications import rules
from agents.notifications.tables import app, notifications
from agents.orders.events import OrderCreated, OrderPaid, OrderPaymentFailed
from streams import Stream

events = app.topic(
    "notifications.order.created",
    "notifications.order.events",
    value_type=OrderCreated | OrderPaid | OrderPaymentFailed,
)


@app.agent(events, name="notify", concurrency=256, prefetch=512)
async def notify(stream: Stream[OrderCreated | OrderPaid | OrderPaymentFailed]) -> None:
    """One notification for each event, however often it comes."""
    async for event in stream:
        notification = rules.notification(event)
        _, version = await notifications.get(notification.id)
        if version == 0:
            await notifications.put(notification.id, notification, 0)
