"""A connection that speaks AMQP 0-9-1: aiormq's, with channels of our own."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from ssl import SSLContext
from typing import Concatenate, ParamSpec, TypeVar

from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from aiormq.connection import Connection
from yarl import URL

from streams.errors import BrokerError
from streams.rabbitmq.addresses import Address
from streams.rabbitmq.faults import LIBRARY_ERRORS, translated
from streams.rabbitmq.frame_reader import Take, Transport

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0

HEARTBEAT_SECONDS = 10
"""What a stopped process has in its hands comes back to its queues when RabbitMQ has not heard of it for about twice
this time. RabbitMQ's own default, 60 s, is much longer than a lease. `?heartbeat=` in the URL says otherwise."""

P = ParamSpec("P")
ChannelT = TypeVar("ChannelT", bound=Channel)


class Wire(Connection):
    """A connection whose queue of frames to write has no limit: what is published has its own, and acks are small."""

    FRAME_BUFFER_SIZE = 0

    def __init__(self, url: URL, context: SSLContext | None, name: str) -> None:
        self._transport = Transport(safe=context is not None)
        super().__init__(
            url, context=context, client_properties={"connection_name": name}, transport_factory=self._transport
        )

    def deliver(self, channel: int, take: Take) -> None:
        """Give the deliveries on a channel to `take` instead of aiormq."""
        self._transport.reader.deliver(channel, take)

    def forget(self, channel: int, take: Take) -> None:
        """No more deliveries are wanted on a channel."""
        self._transport.reader.forget(channel, take)

    def send(self, frames: bytes) -> None:
        """Write whole frames without waiting."""
        self.write_queue.put_nowait(ChannelFrame(payload=frames, should_close=False))

    @property
    def blocked(self) -> bool:
        """Whether the broker has blocked this connection (connection.blocked), and not yet unblocked it."""
        if self.is_closed:
            return False
        # aiormq tells this only by `ready`, which returns at once unless the connection is blocked.
        ready = self.ready()
        try:
            ready.send(None)
        except StopIteration:
            return False
        ready.close()
        return True


class Link:
    """A connection that is made when it is needed, and again after it broke."""

    def __init__(self, address: Address, url: str, name: str) -> None:
        self._address = address
        self._url = URL(url) % {"heartbeat": HEARTBEAT_SECONDS, **URL(url).query}
        self._name = name
        self._wire: Wire | None = None
        self._turn = asyncio.Lock()
        self.fault: BrokerError | None = None
        """Why the last attempt to connect failed; None if it did not."""
        self.failures = 0
        """How often connecting has failed."""

    @property
    def up(self) -> bool:
        return self._wire is not None and self._wire.is_opened

    @property
    def blocked(self) -> bool:
        """Whether the broker has blocked the connection: it takes nothing that is published."""
        return self._wire is not None and self._wire.blocked

    async def unblocked(self) -> None:
        """Wait until the connection is no longer blocked, or gone."""
        wire = self._wire
        if wire is None or wire.is_closed:
            return
        waits = [asyncio.ensure_future(wire.ready()), wire.closing]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def channel(
        self, kind: Callable[Concatenate[Wire, int, P], ChannelT], *args: P.args, **options: P.kwargs
    ) -> ChannelT:
        """Open a channel. Raises BrokerUnavailable, AccessRefused."""
        wire = await self.open()
        number = next(number for number in count(1) if number not in wire.channels)
        channel = kind(wire, number, *args, **options)
        wire.channels[number] = channel
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await channel.open()
        except LIBRARY_ERRORS as error:
            raise translated(error, f"opening a channel to {self._address}") from error
        return channel

    async def leave(self, channel: Channel) -> None:
        """Close a channel, if it still is open."""
        with suppress(*LIBRARY_ERRORS):
            async with asyncio.timeout(CLOSE_SECONDS):
                await channel.close()

    async def open(self) -> Wire:
        """The connection, made anew where it is not there. Raises BrokerUnavailable, AccessRefused.

        Who waits for an attempt shares its failure.
        """
        failures = self.failures
        async with self._turn:
            if self.fault is not None and self.failures != failures:
                raise self.fault
            if self._wire is None or not self._wire.is_opened:
                self._wire = await self._connect()
            return self._wire

    async def _connect(self) -> Wire:
        wire = Wire(self._url, self._address.context, self._name)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await wire.connect()
        except LIBRARY_ERRORS as error:
            self.fault = translated(error, f"connecting to {self._address}")
            self.failures += 1
            raise self.fault from error
        self.fault = None
        return wire

    async def close(self) -> None:
        """May be called twice; a later call of `channel` connects again."""
        async with self._turn:
            wire, self._wire, self.fault = self._wire, None, None
            if wire is not None:
                with suppress(*LIBRARY_ERRORS):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await wire.close()


def end_of(closed: Wire | Channel) -> BaseException:
    """Why a connection or channel is closed."""
    closing = closed.closing
    if not closing.done() or closing.cancelled():
        return ConnectionError("it is being closed")
    return closing.exception() or ConnectionError("it was closed")
