"""What agents reach outside: the payment provider that the settings name, or a simulated one in this process."""

from contextlib import AsyncExitStack
from typing import Final

from agents.payments.provider.book import Book
from agents.payments.provider.client import HttpProvider
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from warren.settings import Settings

BOOK: Final = "provider.db"
"""The simulated provider's file, under WARREN_DATA."""


def simulated_provider(settings: Settings) -> Simulator:
    """The simulator on its file, which is opened when the first payment comes."""
    return Simulator(Book(str(settings.data / BOOK)))


def open_outside(settings: Settings, stack: AsyncExitStack) -> None:
    """Give agents their ways out, until the stack is left. Connects to nothing yet."""
    provider = HttpProvider(settings.provider.get_secret_value()) if settings.provider else simulated_provider(settings)
    stack.push_async_callback(provider.close)
    stack.enter_context(till.served_by(provider))
