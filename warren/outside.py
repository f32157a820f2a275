"""What agents reach outside: the payment provider, the mail server and the webhooks that the settings name.

Without them a simulated provider is in this process, and what would be sent is kept in files.
"""

from contextlib import AsyncExitStack
from typing import Final

from agents.notifications.carriers.outbox import FileOutbox
from agents.notifications.carriers.port import Carrier
from agents.notifications.carriers.smtp import SmtpCarrier
from agents.notifications.carriers.webhook import WebhookCarrier
from agents.notifications.post import post
from agents.notifications.tables import Channel
from agents.payments.provider.book import Book
from agents.payments.provider.client import HttpProvider
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from warren.settings import SecretUrl, Settings

BOOK: Final = "provider.db"
"""The simulated provider's file, under WARREN_DATA."""
OUTBOX: Final = "outbox"
"""The directory of what is not sent, under WARREN_DATA."""
OPERATORS: Final = "operators@localhost"
"""Whom mails to the shop's own people are addressed to where none is sent."""


def simulated_provider(settings: Settings) -> Simulator:
    """The simulator on its file, which is opened when the first payment comes."""
    return Simulator(Book(str(settings.data / BOOK)))


def open_outside(settings: Settings, stack: AsyncExitStack) -> None:
    """Give agents their ways out, until the stack is left. Connects to nothing yet."""
    provider = HttpProvider(settings.provider.get_secret_value()) if settings.provider else simulated_provider(settings)
    stack.push_async_callback(provider.close)
    stack.enter_context(till.served_by(provider))
    carriers = _carriers(settings)
    for carrier in carriers.values():
        stack.push_async_callback(carrier.close)
    stack.enter_context(post.served_by(carriers, operators=_operators(settings)))


def _operators(settings: Settings) -> str | None:
    """Where mails are kept and not sent, anybody may be written to."""
    return settings.operators or (None if settings.smtp else OPERATORS)


def _carriers(settings: Settings) -> dict[Channel, Carrier]:
    outbox = FileOutbox(settings.data / OUTBOX)

    def webhook(url: SecretUrl | None) -> Carrier:
        return WebhookCarrier(url.get_secret_value()) if url else outbox

    mail = SmtpCarrier(settings.smtp.get_secret_value(), settings.mail_from) if settings.smtp else outbox
    return {Channel.EMAIL: mail, Channel.SMS: webhook(settings.sms), Channel.PUSH: webhook(settings.push)}
