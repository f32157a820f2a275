"""What notifications keeps."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from streams import App, Record

app = App("notifications")


class Channel(StrEnum):
    """How a user is reached."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


class Status(StrEnum):
    """What became of a notification. KEPT: nothing is sent from here, it is kept to be looked at."""

    KEPT = "KEPT"


class Notification(Record):
    """One thing told to one recipient."""

    id: str
    type: Channel
    recipient: str
    template: str
    data: dict[str, Any]
    status: Status
    sent_at: datetime | None = None


notifications = app.documents("notifications", Notification, index=("recipient", "template"))
