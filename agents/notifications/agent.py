"""The notifications agent: learns where users are to be reached, and tells them what concerns them, each thing once."""

import structlog

from agents.auth.events import UserCreated, UserPreferencesChanged, UserTokenReuseDetected, UserUpdated
from agents.notifications import rules
from agents.notifications.delivery import Moment, deliver
from agents.notifications.events import NotificationFailed, NotificationSent, NotificationSuppressed
from agents.notifications.masking import masked
from agents.notifications.post import post
from agents.notifications.tables import (
    OPERATORS,
    Channel,
    Contact,
    Preferences,
    app,
    notifications,
    preferences,
    recipients,
)
from agents.orders.events import OrderCancelled, OrderCreated, OrderPaid, OrderPaymentFailed, OrderShipped
from agents.payments.events import PaymentRefunded, PaymentRefundStuck
from streams import Event, Stream

log = structlog.get_logger("warren.notifications")

Heard = rules.Told | UserUpdated | UserPreferencesChanged

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
    | UserUpdated
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
                log.error("a refund is stuck", order_id=str(stuck.order_id), code=stuck.code)
                await tell(stuck, event)
            case UserUpdated() as updated:
                await meet(updated, event)
            case UserCreated() as created:
                await meet(created, event)
                await tell(created, event)
            case told:
                await tell(told, event)


async def tell(value: rules.Told, event: Event[Heard]) -> None:
    """Tell whom it concerns, by every way that is wanted, and tell what became of it."""
    news = rules.news(value)
    moment = Moment(event.time, event.log_time, event.attempt)
    for way in await ways(news):
        outcome = rules.told(await deliver(news, way, moment))
        if outcome is not None:
            await outcomes.send(value=outcome, key=news.recipient)


async def ways(news: rules.News) -> list[rules.Way]:
    """How this is to be told."""
    if news.recipient == OPERATORS:
        return [rules.way_to_operators(post.operators)]
    contact, _ = await recipients.get(news.recipient)
    preferred, _ = (None, 0) if contact is None else await preferences.get(news.recipient)
    wanted = rules.ways(news.urgent, contact, preferred)
    return wanted if preferred is None else [*wanted, *await begun(news, {way.channel for way in wanted})]


async def begun(news: rules.News, wanted: set[Channel]) -> list[rules.Way]:
    """Ways by which this was begun to be told, before the user wanted others."""
    others = [channel for channel in Channel if channel not in wanted]
    found = [(await notifications.get(rules.identity(news, channel)))[0] for channel in others]
    return [rules.Way(each.type, objection=rules.OPTED_OUT) for each in found if each is not None]


async def meet(user: UserCreated | UserUpdated, event: Event[Heard]) -> None:
    """Keep where a user is to be reached, unless something newer is known."""
    known, version = await recipients.get(user.user_id)
    if known is None or known.at < event.time:
        contact = Contact(user.email, event.time, user.profile.phone, user.profile.first_name)
        await recipients.put(user.user_id, contact, version)
        log.debug("a user can be reached", to=masked(user.email))


async def prefer(changed: UserPreferencesChanged, event: Event[Heard]) -> None:
    """Keep what a user wants, unless something newer is known."""
    known, version = await preferences.get(changed.user_id)
    if known is None or known.at < event.time:
        await preferences.put(changed.user_id, Preferences(changed.channels, event.time), version)
