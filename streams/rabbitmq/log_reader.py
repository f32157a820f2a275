"""Reading a log: a subscription of RabbitMQ's stream protocol."""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Literal

from rstream import schema
from rstream.constants import OffsetType
from rstream.exceptions import StreamDoesNotExist

from streams.broker import Chunk, Details, Envelope, Lineage
from streams.errors import BrokerUnavailable, NoSuchTarget
from streams.rabbitmq.chunks import messages
from streams.rabbitmq.faults import LIBRARY_ERRORS, translated
from streams.rabbitmq.reading import details
from streams.rabbitmq.scanner import Scanner
from streams.rabbitmq.stream_client import BytewiseText, StreamClient
from streams.rabbitmq.stream_connections import StreamConnections

SUBSCRIPTION = 0

CREDIT = 10
"""Chunks under way or waiting here, at first. The broker fills a chunk with what has arrived while the last one was
written: from one message to a few megabytes."""
MOST_CREDIT = 80
"""The same, while chunks are small."""
SMALL = 32_768
"""Bytes of such a chunk, at most."""

# A fifth of the credit is given back at once. Newer versions send nothing while they have half of the first credit or
# less: with much more than this they would wait until everything here is taken.
SHARE = 5

Offset = int | Literal["first", "next"]
_ENDS: dict[str, OffsetType] = {"first": OffsetType.FIRST, "next": OffsetType.NEXT}


@asynccontextmanager
async def subscribed(connections: StreamConnections, log: str, offset: Offset) -> AsyncIterator["LogSubscription"]:
    """A subscription with a connection of its own. Raises NoSuchTarget, BrokerUnavailable, AccessRefused."""
    reader = LogSubscription(log)
    client = await connections.connect(f"warren reads {log}", reader)
    try:
        await reader.start(client, offset)
        yield reader
    finally:
        reader.broke(BrokerUnavailable(f"the reader of the log {log!r} was closed"))
        await connections.leave(client)


def _specification(offset: Offset) -> schema.OffsetSpec:
    if isinstance(offset, int):
        return schema.OffsetSpecOffset(OffsetType.OFFSET, offset)
    return schema.OffsetSpec(_ENDS[offset])


class LogSubscription:
    """The chunks of a log as they arrive, a bounded number ahead. See `streams.broker.LogReader`."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._client: StreamClient | None = None
        self._scanner = Scanner()
        self._chunks: deque[schema.Deliver] = deque()
        self._credit = CREDIT
        self._owed = 0
        self._news = asyncio.Event()
        self._moved = False
        self._fault: BaseException | None = None

    async def start(self, client: StreamClient, offset: Offset) -> None:
        self._client = client
        try:
            await client.subscribe(BytewiseText(self._log), SUBSCRIPTION, _specification(offset), CREDIT)
        except LIBRARY_ERRORS as error:
            raise translated(error, f"reading the log {self._log!r}") from error

    def arrived(self, chunk: schema.Deliver) -> None:
        self._chunks.append(chunk)
        self._news.set()

    def moved(self) -> None:
        self._moved = True
        self._news.set()

    def broke(self, error: BaseException) -> None:
        self._fault = self._fault or error
        self._news.set()

    def __aiter__(self) -> "LogSubscription":
        return self

    async def __anext__(self) -> Chunk:
        while not self._chunks:
            await self._check()
            self._news.clear()
            await self._news.wait()
        chunk = self._chunks.popleft()
        self._grant(len(chunk.data))
        try:
            raws = messages(chunk.data, chunk.num_entries)
        except (struct.error, IndexError) as error:
            raise BrokerUnavailable(
                f"a chunk of the log {self._log!r} at offset {chunk.chunk_first_offset} is cut"
            ) from error
        return Chunk(chunk.chunk_first_offset, chunk.timestamp, raws)

    def _grant(self, size: int) -> None:
        """Credit is given back when a chunk is taken, not when it arrives, and for several at once.

        A small chunk earns one more, a large one takes it back.
        """
        more = int(self._credit < MOST_CREDIT) if size <= SMALL else -int(self._credit > CREDIT)
        self._credit += more
        self._owed += 1 + more
        if self._owed * SHARE >= self._credit and self._client is not None:
            self._client.grant(SUBSCRIPTION, self._owed)
            self._owed = 0

    async def _check(self) -> None:
        """Raise why no more chunks will come, if so."""
        if self._moved and self._client is not None and self._fault is None:
            await self._ask_where(self._client)
        if self._fault is not None:
            raise translated(self._fault, f"reading the log {self._log!r}") from self._fault

    async def _ask_where(self, client: StreamClient) -> None:
        try:
            await client.query_leader_and_replicas(BytewiseText(self._log))
        except StreamDoesNotExist as error:
            raise NoSuchTarget(f"the log {self._log!r} was deleted: run `warren topology apply`") from error
        except LIBRARY_ERRORS as error:
            self.broke(error)
        else:
            self.broke(BrokerUnavailable(f"the log {self._log!r} has moved to another node: read it again"))

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        before = max(start - chunk.first, 0)
        return self._scanner.scan(chunk.raws[before:] if before else chunk.raws, chunk.first + before, skip)

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        return blake2b(chunk.raws[offset - chunk.first], digest_size=8).digest()

    def details(self, envelope: Envelope) -> Details:
        return details(envelope.raw)

    def lineage(self, envelope: Envelope) -> Lineage:
        return self._scanner.lineage(envelope.raw)
