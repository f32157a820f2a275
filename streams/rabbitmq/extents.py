"""Which offsets a log holds."""

import asyncio

from rstream import schema
from rstream.constants import OffsetType

from streams.broker import Extent
from streams.rabbitmq.faults import LIBRARY_ERRORS, translated
from streams.rabbitmq.stream_client import BytewiseText, StreamClient
from streams.rabbitmq.stream_connections import StreamConnections

_SUBSCRIPTION = 0


class Extents:
    """Asks for the first and the last chunk of a log, over a connection that is kept for the next time."""

    def __init__(self, connections: StreamConnections) -> None:
        self._connections = connections
        self._client: StreamClient | None = None
        self._turn = asyncio.Lock()
        self._chunk: schema.Deliver | None = None

    async def extent(self, log: str) -> Extent:
        """Works on every version: the statistics that newer ones have give the last chunk's first offset only."""
        try:
            async with self._turn:
                first = await self._peek(log, OffsetType.FIRST)
                last = await self._peek(log, OffsetType.LAST)
        except LIBRARY_ERRORS as error:
            raise translated(error, f"asking for the offsets of the log {log!r}") from error
        if first is None or last is None:
            return Extent(-1, -1)
        return Extent(first.chunk_first_offset, last.chunk_first_offset + last.num_records - 1)

    async def _peek(self, log: str, where: OffsetType) -> schema.Deliver | None:
        """The chunk at one end, None if the log is empty.

        The broker sends the chunk that the credit is for while it handles the subscription, so that it has arrived
        before the answer to the next request; what has not arrived by then does not exist.
        """
        client = await self._connected()
        self._chunk = None
        try:
            await client.subscribe(BytewiseText(log), _SUBSCRIPTION, schema.OffsetSpec(where), initial_credit=1)
            await client.unsubscribe(_SUBSCRIPTION)
        except BaseException:
            # The subscription may or may not be there.
            await self.close()
            raise
        return self._chunk

    async def open(self) -> None:
        """Raises BrokerUnavailable, AccessRefused."""
        async with self._turn:
            await self._connected()

    async def _connected(self) -> StreamClient:
        if self._client is None or self._client.fault is not None:
            await self.close()
            self._client = await self._connections.connect("warren asks for offsets", self)
            self._client.spare = True
        return self._client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await self._connections.leave(client)

    def arrived(self, chunk: schema.Deliver) -> None:
        self._chunk = chunk

    def moved(self) -> None:
        """The log that was asked for last is gone: its subscription was over anyway."""

    def broke(self, error: BaseException) -> None:
        """The next request connects anew."""
