"""What readers of logs and consumers of queues have in common: they wait for something to read, until they end."""

import asyncio

from streams.errors import BrokerError


class Subscription:
    """One reader's tie to a log or queue."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._end: BrokerError | None = None
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Let the reader look again: there may be something to read."""
        self._stirred.set()

    def end(self, error: BrokerError) -> None:
        """Make the reader raise this from now on."""
        self._end = self._end or error
        self.stir()

    def check(self) -> None:
        """Raise what has ended the subscription, if it has."""
        if self._end is not None:
            raise self._end

    async def stirred(self) -> None:
        """Wait until there may be something to read. Raises what has ended the subscription."""
        await self._stirred.wait()
        self._stirred.clear()
        self.check()
