"""What users are told, by which ways, and what becomes of it, as functions of values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

from agents.auth.events import Channels, UserCreated, UserTokenReuseDetected
from agents.notifications.carriers.port import Receipt, Result
from agents.notifications.events import NotificationFailed, NotificationSent, NotificationSuppressed
from agents.notifications.masking import masked
from agents.notifications.tables import OPERATORS, Channel, Contact, Notification, Preferences, Status
from agents.orders.events import OrderCancelled, OrderCreated, OrderPaid, OrderPaymentFailed, OrderShipped
from agents.payments.events import PaymentRefunded, PaymentRefundStuck

LEASE: Final = timedelta(seconds=60)
"""How long a letter may be on its way out: twice a carrier's patience."""
TRIES: Final = 6
"""How often a queue's retry ladder lets an event be tried; the last time there is nothing to wait for."""
UNKNOWN: Final = "unknown"
OPTED_OUT: Final = "opted_out"

OrderEvent = OrderCreated | OrderPaid | OrderShipped | OrderCancelled | OrderPaymentFailed
Told = OrderEvent | PaymentRefunded | PaymentRefundStuck | UserCreated | UserTokenReuseDetected
"""The events that somebody is told of."""

_ORDERS: Final[dict[type, str]] = {
    OrderCreated: "order_received",
    OrderPaid: "order_paid",
    OrderShipped: "order_shipped",
    OrderCancelled: "order_cancelled",
    OrderPaymentFailed: "order_payment_failed",
}


@dataclass(frozen=True, slots=True)
class News:
    """Something to be told: of what (an order, a refund, a session, the user), to whom, and with which text."""

    about: UUID
    recipient: str
    """A user's id, or OPERATORS."""
    template: str
    data: dict[str, Any]
    urgent: bool = False
    """Urgent news go by mail, whatever the user prefers."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of telling it: to which address, or why not."""

    channel: Channel
    address: str = ""
    objection: str | None = None


class Step(Enum):
    """What is to be done about a notification next."""

    SEND = "send"
    WAIT = "wait"
    GIVE_UP = "give_up"
    TELL = "tell"


def news(event: Told) -> News:
    """What an event means to whom it concerns."""
    user = str(event.user_id)
    match event:
        case UserCreated():
            return News(event.user_id, user, "welcome", {"firstName": event.profile.first_name})
        case UserTokenReuseDetected():
            return News(event.family_id, user, "security_alert", {"ip": event.ip}, urgent=True)
        case PaymentRefunded():
            return News(event.refund_id, user, "order_refunded", _refund_data(event))
        case PaymentRefundStuck():
            # Nothing to tell the customer: somebody of the shop has to look after it.
            data = {**_refund_data(event), "refundId": str(event.refund_id), "code": event.code}
            return News(event.refund_id, OPERATORS, "refund_stuck", data, urgent=True)
        case _:
            return News(event.order_id, user, _ORDERS[type(event)], _order_data(event))


def _refund_data(event: PaymentRefunded | PaymentRefundStuck) -> dict[str, Any]:
    return {"orderId": str(event.order_id), "amount": str(event.amount), "currency": event.currency}


def _order_data(event: OrderEvent) -> dict[str, Any]:
    data: dict[str, Any] = {"orderId": str(event.order_id), "total": str(event.total), "currency": event.currency}
    if isinstance(event, OrderShipped):
        data |= {"carrier": event.carrier, "tracking": event.tracking}
    elif isinstance(event, OrderCancelled | OrderPaymentFailed):
        data["reason"] = event.reason
    return data


def ways(urgent: bool, contact: Contact | None, preferences: Preferences | None) -> list[Way]:
    """By which ways to tell; never none: where there is no way, one that says why."""
    if contact is None:
        return [Way(Channel.EMAIL, objection="no_contact")]
    wanted = list(_wanted(preferences.channels if preferences else Channels(), urgent))
    if not wanted:
        return [Way(Channel.EMAIL, contact.email, OPTED_OUT)]
    return [_way(channel, contact) for channel in wanted]


def _wanted(channels: Channels, urgent: bool) -> Iterator[Channel]:
    if channels.email or urgent:
        yield Channel.EMAIL
    if channels.sms:
        yield Channel.SMS
    if channels.push:
        yield Channel.PUSH


def _way(channel: Channel, contact: Contact) -> Way:
    if channel is Channel.EMAIL:
        return Way(channel, contact.email)
    if channel is Channel.SMS:
        return Way(channel, contact.phone or "", None if contact.phone else "no_phone")
    return Way(channel)  # the gateway knows a user's devices by the user's id


def way_to_operators(address: str | None) -> Way:
    """How the shop's own people are told."""
    return Way(Channel.EMAIL, address or "", None if address else "no_operators")


def identity(news: News, channel: Channel) -> str:
    """Says of what, with which text, how and to whom: at most one of each is ever sent."""
    return f"{news.about}:{news.template}:{channel}:{news.recipient}"


def opened(news: News, way: Way, happened: datetime) -> Notification:
    """A notification as it begins."""
    return Notification(
        id=identity(news, way.channel),
        type=way.channel,
        recipient=news.recipient,
        template=news.template,
        data=news.data,
        status=Status.PENDING,
        address=masked(way.address) if way.address else None,
        at=happened,
    )


def step(existing: Notification | None, now: datetime, *, repeatable: bool, answered: bool) -> Step:
    """What is to be done next. `repeatable`: sent twice arrives once. `answered`: the outcome is known here."""
    if existing is None or existing.status is Status.PENDING:
        return Step.SEND
    if existing.status is not Status.SENDING:
        return Step.TELL
    if answered:
        return Step.SEND
    if existing.lease_until is not None and now < existing.lease_until:
        return Step.WAIT
    return Step.SEND if repeatable else Step.GIVE_UP


def suppressed(notification: Notification, objection: str) -> Notification:
    """It is not sent: there is no way, or none that is wanted any more."""
    notification.status, notification.reason, notification.lease_until = Status.SUPPRESSED, objection, None
    return notification


def leased(notification: Notification, now: datetime, version: int) -> Notification:
    """The intent: somebody sends it, with this version of its template."""
    notification.status = Status.SENDING
    notification.lease_until = now + LEASE
    notification.version = version
    notification.reason = None
    return notification


def ended(notification: Notification, receipt: Receipt, now: datetime, *, again: bool, last: bool) -> Notification:
    """What the receipt makes of it. `again`: it may be sent again though it may have arrived; `last`: no more tries."""
    notification.lease_until = None
    notification.reason = receipt.reason
    match receipt.result:
        case Result.SENT:
            notification.status, notification.sent_at = Status.SENT, now
        case Result.REFUSED:
            notification.status = Status.FAILED
        case Result.UNKNOWN if not again or last:
            notification.status, notification.reason = Status.FAILED, UNKNOWN
        case _:
            notification.status = Status.FAILED if last else Status.PENDING
    return notification


def told(notification: Notification) -> NotificationSent | NotificationFailed | NotificationSuppressed | None:
    """The event of an ended notification."""
    id, channel, template = notification.id, str(notification.type), notification.template
    match notification.status:
        case Status.SENT:
            return NotificationSent(id, channel, template)
        case Status.FAILED:
            return NotificationFailed(id, channel, template, notification.reason or UNKNOWN)
        case Status.SUPPRESSED:
            return NotificationSuppressed(id, channel, template, notification.reason or UNKNOWN)
        case _:
            return None
