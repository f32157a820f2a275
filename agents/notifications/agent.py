"""The notifications agent: learns where users are to be reached, and tells them what concerns them, each thing once."""

import structlog

from agents.auth.events import UserCreated, UserPreferencesChanged, UserTokenReuseDetected
from agents.notifications import rules
from agents.notifications.delivery import Moment, deliver
from agents.notifications.events import NotificationFailed, NotificationSent, NotificationSuppressed
from agents.notifications.masking import masked
from agents.notifications.tables import Contact, Preferences, app, preferences, recipients
from agents.orders.events import OrderCancelled, OrderCreated, OrderPaid, OrderPaymentFailed, OrderShipped
from agents.payments.events import PaymentRefunded, PaymentRefundStuck
from streams import Event, Stream

log = structlog.get_logger("warren.notifications")

Heard = rules.Told | UserPreferencesChanged | PaymentRefundStuck

events = app.topic(
    "notifications.order.created",
    "notifications.order.events",
    "notifications.user.events",
    "notifications.payment.events",
    value_type=OrderCreated
    | OrderPaid
    | OrderShipped
    | OrderCancelled
    | OrderPaymentFailed
    | UserCreated
    | UserTokenReuseDetected
    | UserPreferencesChanged
    | PaymentRefunded
    | PaymentRefundStuck,
)
outcomes = app.topic("notification.events", value_type=NotificationSent | NotificationFailed | NotificationSuppressed)


@app.agent(events, name="notify", concurrency=256, prefetch=512)
async def notify(stream: Stream[Heard]) -> None:
    """One notification for each event and way, however often the event comes."""
    async for event in stream.events():
        match event.value:
            case UserPreferencesChanged() as changed:
                await prefer(changed, event)
            case PaymentRefundStuck() as stuck:
                # Nothing to tell a customer: somebody of the shop has to look after it.
                log.error("a refund is stuck", order_id=str(stuck.order_id), code=stuck.code)
            case UserCreated() as created:
                await meet(created, event)
                await tell(created, event)
            case told:
                await tell(told, event)


async def tell(value: rules.Told, event: Event[Heard]) -> None:
    """Tell a user, by every way that is wanted, and tell what became of it."""
    news = rules.news(value)
    contact, _ = await recipients.get(news.user)
    preferred, _ = (None, 0) if contact is None else await preferences.get(news.user)
    moment = Moment(event.time, event.log_time, event.attempt)
    for way in rules.ways(news.urgent, contact, preferred):
        outcome = rules.told(await deliver(news, way, moment))
        if outcome is not None:
            await outcomes.send(value=outcome, key=news.user)


async def meet(created: UserCreated, event: Event[Heard]) -> None:
    """Keep where a user is to be reached, unless something newer is known."""
    known, version = await recipients.get(created.user_id)
    if known is None or known.at < event.time:
        contact = Contact(created.email, event.time, created.profile.phone, created.profile.first_name)
        await recipients.put(created.user_id, contact, version)
        log.debug("a user can be reached", to=masked(created.email))


async def prefer(changed: UserPreferencesChanged, event: Event[Heard]) -> None:
    """Keep what a user wants, unless something newer is known."""
    known, version = await preferences.get(changed.user_id)
    if known is None or known.at < event.time:
        await preferences.put(changed.user_id, Preferences(changed.channels, event.time), version)
