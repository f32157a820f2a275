"""Acknowledging in groups: what one turn of the event loop settles goes out in one write."""

import asyncio

from streams.broker import QueueReader
from streams.errors import BrokerError


class Settling:
    """The acknowledgements of one consumer."""

    def __init__(self, reader: QueueReader) -> None:
        self.reader = reader
        self.closed = False
        """Set when the consumer has gone: what it delivered will be delivered again."""
        self._tags: list[int] = []
        self._sending: asyncio.Task[None] | None = None

    def ack(self, tag: int) -> None:
        """Acknowledge soon. If the connection breaks before, the broker delivers again."""
        self._tags.append(tag)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def reject(self, tag: int) -> None:
        """Leave it to the broker, which makes a dead letter of it."""
        await self.flush()
        try:
            await self.reader.reject(tag, requeue=False)
        except BrokerError:
            self.closed = True

    async def _send(self) -> None:
        while self._tags and not self.closed:
            tags, self._tags = self._tags, []
            try:
                await self.reader.ack(tags)
            except BrokerError:
                self.closed = True

    async def flush(self) -> None:
        """Wait until everything acknowledged so far was written."""
        if self._sending is not None:
            await self._sending
