"""What notifications keeps."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from agents.auth.events import Channels
from streams import App, Record

app = App("notifications")


OPERATORS: Final = "operators"
"""The recipient of what the shop itself has to look after."""


class Channel(StrEnum):
    """How a user is reached."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


class Status(StrEnum):
    """What became of a notification.

    SENDING is an intent: until its lease has run out somebody is sending it, and the outcome is not known. PENDING: it
    was not sent, and will be tried again. KEPT is what versions without mail have left.
    """

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"
    KEPT = "KEPT"


class Notification(Record):
    """One thing told to one recipient in one way. `data` is what the template was filled with, `address` is masked."""

    id: str
    type: Channel
    recipient: str
    """The user's id, or OPERATORS."""
    template: str
    data: dict[str, Any]
    status: Status
    sent_at: datetime | None = None
    address: str | None = None
    version: int | None = None
    """The template's."""
    reason: str | None = None
    """Why it was suppressed, has failed, or is pending."""
    lease_until: datetime | None = None
    at: datetime | None = None
    """When what it tells of happened; None: it is older than this field."""


class Contact(Record):
    """Where a user can be reached, as of a time."""

    email: str
    at: datetime
    phone: str | None = None
    first_name: str | None = None


class Preferences(Record):
    """By which ways a user wants to be told things, as of a time."""

    channels: Channels
    at: datetime


class Template(Record):
    """The texts of one kind of notification, in Jinja2: `subject`, `text` and `html` are a mail's, `short` is for SMS
    and push messages."""

    name: str
    version: int
    subject: str
    text: str
    html: str
    short: str


notifications = app.documents("notifications", Notification, index=("recipient", "template", "at"))
recipients = app.documents("recipients", Contact)
preferences = app.documents("preferences", Preferences)
templates = app.documents("templates", Template)
"""Texts that differ from those that come with the service: `NAME` is the one in use, `NAME@VERSION` those before it."""
