"""A broker to look on: logs can be read, and nothing that is done leaves a mark."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, NoReturn, Self

from streams.broker import (
    Broker,
    Capabilities,
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


class Sink:
    """A Broker that reads, gives no deliveries, and keeps what is published to itself."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.published: list[Message] = []

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    @property
    def user(self) -> str:
        return self._broker.user

    async def open(self) -> None:
        await self._broker.open()

    def expect(self, logs: Iterable[str]) -> None:
        self._broker.expect(logs)

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        self.published += messages
        await asyncio.sleep(0)
        return [Outcome.CONFIRMED] * len(messages)

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        """Nobody hears it."""

    def listen(self, exchange: str, keys: Sequence[str]) -> AbstractAsyncContextManager[Listener]:
        return self._broker.listen(exchange, keys)

    def read(self, log: str, offset: int | Literal["first", "next"]) -> AbstractAsyncContextManager[LogReader]:
        return self._broker.read(log, offset)

    @asynccontextmanager
    async def consume(self, queue: str, prefetch: int) -> AsyncIterator[QueueReader]:
        yield _Empty()

    async def depth(self, queue: str) -> int:
        return 0

    async def extent(self, log: str) -> Extent:
        return await self._broker.extent(log)

    def health(self) -> Health:
        return self._broker.health()

    async def close(self) -> None:
        await self._broker.close()


class _Empty:
    """A QueueReader of a queue in which nothing ever is."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Delivery]:
        await asyncio.Event().wait()
        return []

    async def ack(self, tags: Sequence[int]) -> None:
        _nothing_delivered()

    async def reject(self, tag: int, *, requeue: bool) -> None:
        _nothing_delivered()

    def details(self, envelope: Envelope) -> Details:
        _nothing_delivered()

    def lineage(self, envelope: Envelope) -> Lineage:
        _nothing_delivered()


def _nothing_delivered() -> NoReturn:
    raise AssertionError("nothing was ever delivered from here")
