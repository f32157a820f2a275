"""A broker for rehearsals: logs can be read up to a place that moves on, and nothing that is published leaves."""

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
    Lineage,
    Listener,
    LogReader,
    Message,
    Outcome,
    QueueReader,
)


class Rehearsal:
    """A Broker over another one."""

    def __init__(self, broker: Broker) -> None:
        """Nothing is given until `give_up_to`."""
        self._broker = broker
        self._end = End()

    def give_up_to(self, offset: int) -> None:
        """Of every log, nothing behind this offset is given from now on."""
        self._end.move(offset)

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
            yield UpTo(reader, self._end)

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


class End:
    """An offset that readers do not pass until it moves."""

    def __init__(self) -> None:
        self.offset = -1
        self._moved = asyncio.Event()

    def move(self, offset: int) -> None:
        """Further on."""
        self.offset = offset
        self._moved.set()
        self._moved = asyncio.Event()

    async def reaches(self, offset: int) -> None:
        """Wait until it is there."""
        while self.offset < offset:
            await self._moved.wait()


class UpTo:
    """A reader that is silent behind an end. What it may not give yet it keeps."""

    def __init__(self, reader: LogReader, end: End) -> None:
        self._reader = reader
        self._end = end
        self._kept: Chunk | None = None

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if self._kept is None:
            self._kept = await self._reader.__anext__()
        chunk = self._kept
        await self._end.reaches(chunk.first)
        count = self._end.offset - chunk.first + 1
        rest = chunk.raws[count:]
        self._kept = Chunk(chunk.first + count, chunk.time, rest) if rest else None
        return Chunk(chunk.first, chunk.time, chunk.raws[:count])

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        return self._reader.scan(chunk, start, skip)

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        return self._reader.fingerprint(chunk, offset)

    def details(self, envelope: Envelope) -> Details:
        return self._reader.details(envelope)

    def lineage(self, envelope: Envelope) -> Lineage:
        return self._reader.lineage(envelope)
