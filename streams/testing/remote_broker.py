"""A broker as a simulated process has it: over a network that fails."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Literal, Self

from streams.broker import (
    Broker,
    Capabilities,
    Chunk,
    Delivery,
    Details,
    Envelope,
    Extent,
    Health,
    Lineage,
    Listener,
    LogReader,
    Message,
    Outcome,
    QueueReader,
)
from streams.errors import BrokerUnavailable
from streams.testing.weather import Passing
from streams.testing.wire import Wire


class RemoteBroker:
    """A Broker."""

    def __init__(self, broker: Broker, wire: Wire) -> None:
        """`broker` is this process's own connection to the server."""
        self._broker = broker
        self._wire = wire
        self._open: dict[AbstractAsyncContextManager[Any], None] = {}
        """Subscriptions that the server has to end when the process has died."""

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    @property
    def user(self) -> str:
        return self._broker.user

    async def open(self) -> None:
        await self._wire.call(self._broker.open, self._wire.weather.other(), _unavailable)

    def expect(self, logs: Iterable[str]) -> None:
        self._broker.expect(logs)

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        trip, sent = self._wire.weather.publish(), list(messages)
        if trip.passing is not Passing.WELL:
            del sent[self._wire.weather.up_to(len(sent)) :]
        try:
            outcomes = await self._wire.call(partial(self._broker.publish, sent), trip, _unavailable)
        except BrokerUnavailable:
            outcomes = [Outcome.LOST] * len(messages)
        outcomes += [Outcome.REFUSED] * (len(messages) - len(outcomes))
        self._wire.note("publish", *(f"{n} {outcome.value}" for outcome, n in Counter(outcomes).items()))
        return outcomes

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        self._broker.tell(exchange, key, body)

    def listen(self, exchange: str, keys: Sequence[str]) -> AbstractAsyncContextManager[Listener]:
        return self._broker.listen(exchange, keys)

    @asynccontextmanager
    async def read(self, log: str, offset: int | Literal["first", "next"]) -> AsyncIterator[LogReader]:
        self._wire.note("read", log, "from", offset)
        async with self._attached(self._broker.read(log, offset)) as reader:
            yield RemoteLogReader(reader, self._wire)

    @asynccontextmanager
    async def consume(self, queue: str, prefetch: int) -> AsyncIterator[QueueReader]:
        self._wire.note("consume", queue)
        subscription = self._broker.consume(queue, prefetch)
        async with self._attached(subscription) as reader:
            yield RemoteQueueReader(reader, self._wire, lambda: self._leave(subscription))

    @asynccontextmanager
    async def _attached(self, subscription: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
        reader = await self._wire.call(partial(self._attach, subscription), self._wire.weather.attach(), _unavailable)
        try:
            yield reader
        finally:
            self._leave(subscription)

    async def _attach(self, subscription: AbstractAsyncContextManager[Any]) -> Any:
        reader = await subscription.__aenter__()
        self._open[subscription] = None
        return reader

    def _leave(self, subscription: AbstractAsyncContextManager[Any]) -> None:
        self._wire.tell(self._detach(subscription))

    async def _detach(self, subscription: AbstractAsyncContextManager[Any]) -> None:
        if subscription in self._open:
            del self._open[subscription]
            await subscription.__aexit__(None, None, None)

    async def depth(self, queue: str) -> int:
        return await self._wire.call(partial(self._broker.depth, queue), self._wire.weather.other(), _unavailable)

    async def extent(self, log: str) -> Extent:
        return await self._wire.call(partial(self._broker.extent, log), self._wire.weather.other(), _unavailable)

    def health(self) -> Health:
        return self._broker.health()

    async def close(self) -> None:
        """What the server does when it notices that its client is gone."""
        for subscription in tuple(self._open):
            await self._detach(subscription)
        await self._broker.close()


class RemoteLogReader:
    """A LogReader."""

    def __init__(self, reader: LogReader, wire: Wire) -> None:
        self._reader = reader
        self._wire = wire

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        return await self._wire.wait(self._reader.__anext__)

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        return self._reader.scan(chunk, start, skip)

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        return self._reader.fingerprint(chunk, offset)

    def details(self, envelope: Envelope) -> Details:
        return self._reader.details(envelope)

    def lineage(self, envelope: Envelope) -> Lineage:
        return self._reader.lineage(envelope)


class RemoteQueueReader:
    """A QueueReader."""

    def __init__(self, reader: QueueReader, wire: Wire, leave: Callable[[], None]) -> None:
        """`leave` ends the subscription."""
        self._reader = reader
        self._wire = wire
        self._leave = leave

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Delivery]:
        return await self._wire.wait(self._reader.__anext__)

    async def ack(self, tags: Sequence[int]) -> None:
        self._wire.note("ack", *tags)
        await self._settle(partial(self._reader.ack, tags))

    async def reject(self, tag: int, *, requeue: bool) -> None:
        await self._settle(partial(self._reader.reject, tag, requeue=requeue))

    async def _settle(self, work: Callable[[], Awaitable[None]]) -> None:
        trip = self._wire.weather.other()
        try:
            await self._wire.call(work, trip, _unavailable)
        except BrokerUnavailable:
            self._leave()
            if trip.passing is not Passing.LOST:  # nobody confirms what settles: it may be lost unnoticed
                raise

    def details(self, envelope: Envelope) -> Details:
        return self._reader.details(envelope)

    def lineage(self, envelope: Envelope) -> Lineage:
        return self._reader.lineage(envelope)


def _unavailable(passing: Passing) -> BrokerUnavailable:
    return BrokerUnavailable(f"the connection broke ({passing.value})")
