"""Where the service takes money: at the provider that the composition root names, else at a simulated one."""

from collections.abc import Iterator
from contextlib import contextmanager

from agents.payments.provider.port import Answer, Operation, Provider
from agents.payments.provider.simulator import Simulator


class Till:
    """A Provider that hands everything on to another."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @contextmanager
    def served_by(self, provider: Provider) -> Iterator[None]:
        """As long as the context lasts, this provider is asked."""
        before, self._provider = self._provider, provider
        try:
            yield
        finally:
            self._provider = before

    async def ask(self, key: str, operation: Operation) -> Answer:
        """As Provider."""
        return await self._provider.ask(key, operation)

    async def look_up(self, key: str) -> Answer:
        """As Provider."""
        return await self._provider.look_up(key)


till = Till(Simulator())
"""The shop's."""
