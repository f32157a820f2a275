"""How many messages wait in a queue."""

import asyncio

from aiormq.channel import Channel

from streams.rabbitmq.faults import LIBRARY_ERRORS, misnamed, translated
from streams.rabbitmq.link import Link, Wire


class Depths:
    """Declares queues passively, on a channel that is kept for the next time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: Channel | None = None
        self._turn = asyncio.Lock()

    async def depth(self, queue: str) -> int:
        """Raises NoSuchTarget, BrokerUnavailable, AccessRefused."""
        # One after another: a queue that is missing closes the channel for all who use it.
        async with self._turn:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel(_plain)
            channel, self._channel = self._channel, None
            try:
                declared = await channel.queue_declare(queue, passive=True)
            except LIBRARY_ERRORS as error:
                raise translated(error, f"asking for the depth of the queue {queue!r}") from error
            except ValueError as error:
                raise misnamed(error, f"asking for the depth of the queue {queue!r}") from error
            self._channel = channel
        return declared.message_count or 0


def _plain(wire: Wire, number: int) -> Channel:
    return Channel(wire, number, publisher_confirms=False)
