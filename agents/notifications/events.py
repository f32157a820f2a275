"""What the notifications service tells. `id` is the notification's; whom it was for is not told."""

from streams import Record


class NotificationSent(Record, event="notification.sent"):
    """Handed over to a mail server, a gateway for SMS or push messages, or the outbox."""

    id: str
    channel: str
    template: str


class NotificationFailed(Record, event="notification.failed"):
    """It was refused, or nobody knows whether it was sent; it is not tried again."""

    id: str
    channel: str
    template: str
    reason: str


class NotificationSuppressed(Record, event="notification.suppressed"):
    """It was not to be sent, or there is nowhere to send it to."""

    id: str
    channel: str
    template: str
    reason: str
