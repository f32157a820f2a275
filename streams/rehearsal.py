"""A broker for rehearsals: logs can be read up to a place, and nothing that is published leaves."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from streams.broker import (
    Broker,
    Capabilities,
    Chunk,
    Details,
    Envelope,
    Extent,
    Health,
    Listener,
    LogReader,
    Message,
    Outcome,
    QueueReader,
)


class Rehearsal:
    """A Broker over another one."""

    def __init__(self, broker: Broker, end: int) -> None:
        """Of every log, nothing behind offset `end` is given."""
        self._broker = broker
        self._end = end

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
        return [Outcome.CONFIRMED] * len(messages)

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        """Nobody hears it."""

    def listen(self, exchange: str, keys: Sequence[str]) -> AbstractAsyncContextManager[Listener]:
        return self._broker.listen(exchange, keys)

    @asynccontextmanager
    async def read(self, log: str, offset: int | Literal["first", "next"]) -> AsyncIterator[LogReader]:
        async with self._broker.read(log, offset) as reader:
            yield _UpTo(reader, self._end)

    def consume(self, queue: str, prefetch: int) -> AbstractAsyncContextManager[QueueReader]:
        return self._broker.consume(queue, prefetch)

    async def depth(self, queue: str) -> int:
        return await self._broker.depth(queue)

    async def extent(self, log: str) -> Extent:
        return await self._broker.extent(log)

    def health(self) -> Health:
        return self._broker.health()

    async def close(self) -> None:
        await self._broker.close()


class _UpTo:
    """A reader that is silent behind an offset."""

    def __init__(self, reader: LogReader, end: int) -> None:
        self._reader = reader
        self._end = end
        self._never = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        chunk = await self._reader.__anext__()
        if chunk.first > self._end:
            await self._never.wait()
        return Chunk(chunk.first, chunk.time, chunk.raws[: self._end - chunk.first + 1])

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        return self._reader.scan(chunk, start, skip)

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        return self._reader.fingerprint(chunk, offset)

    def details(self, envelope: Envelope) -> Details:
        return self._reader.details(envelope)
