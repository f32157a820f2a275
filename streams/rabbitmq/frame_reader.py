"""What aiormq reads from: everything but the deliveries."""

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

from streams.rabbitmq.deliveries import Received
from streams.rabbitmq.properties import body_size

Take = Callable[[Received], None]

_HEAD = Struct(">BHI")
_METHOD = 1
_DELIVER = b"\0\x3c\0\x3c"
_HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"
_GREETING = b"AMQP"
"""What a server of another version begins with, instead of a frame."""

_READ_AHEAD = 1 << 20

# aiormq takes a connection for dead that gives it nothing to read for minutes, and RabbitMQ sends no heartbeats
# while it sends deliveries.
_HEARTBEAT_SECONDS = 5.0


class FrameReader(asyncio.StreamReader):
    """Reads frames from a socket, gives deliveries to their consumers and passes on all the rest.

    A delivery is three frames or more; aiormq turns each into objects, several times as slowly as this, and cannot
    read every one that others may send.
    """

    def __init__(self, source: asyncio.StreamReader) -> None:
        super().__init__()
        self._source = source
        self._consumers: dict[int, Take] = {}
        self._begun: dict[int, list[bytes]] = {}
        self._frame = b""
        self._loop_time = asyncio.get_running_loop().time
        self._passed = self._loop_time()

    def deliver(self, channel: int, take: Take) -> None:
        """From now on the deliveries on this channel go there."""
        self._consumers[channel] = take

    def forget(self, channel: int, take: Take) -> None:
        """No more deliveries are wanted there; unless the channel has become another consumer's."""
        if self._consumers.get(channel) == take:
            del self._consumers[channel]
            self._begun.pop(channel, None)

    def at_eof(self) -> bool:
        return not self._frame and self._source.at_eof()

    async def readexactly(self, n: int) -> bytes:
        if not self._frame:
            self._frame = await self._next()
        found, self._frame = self._frame[:n], self._frame[n:]
        return found

    async def _next(self) -> bytes:
        """The next frame that is not of a delivery."""
        while True:
            head = await self._source.readexactly(_HEAD.size)
            if head.startswith(_GREETING):
                return head + await self._source.readexactly(1)
            kind, channel, size = _HEAD.unpack(head)
            rest = await self._source.readexactly(size + 1)
            if not (channel in self._consumers and self._take(kind, channel, rest[:-1])):
                self._passed = self._loop_time()
                return head + rest
            if self._loop_time() - self._passed > _HEARTBEAT_SECONDS:
                self._passed = self._loop_time()
                return _HEARTBEAT

    def _take(self, kind: int, channel: int, payload: bytes) -> bool:
        """Whether this frame belongs to a delivery."""
        begun = self._begun.get(channel)
        if begun is None:
            if kind != _METHOD or not payload.startswith(_DELIVER):
                return False
            self._begun[channel] = [payload]
            return True
        begun.append(payload)
        if sum(map(len, begun[2:])) >= body_size(begun[1]):
            del self._begun[channel]
            self._consumers[channel](Received(begun[0], begun[1], b"".join(begun[2:])))
        return True


class Transport(TransportFactory):
    """Opens the socket of a connection."""

    def __init__(self, *, safe: bool) -> None:
        self._factory = TLSTransportFactory() if safe else TCPTransportFactory()
        self._reader: FrameReader | None = None

    @property
    def reader(self) -> FrameReader:
        """What the connection reads from, once it is open."""
        assert self._reader is not None
        return self._reader

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        source, writer = await self._factory.create(url, limit=_READ_AHEAD, **kwargs)
        self._reader = FrameReader(source)
        return self._reader, writer
