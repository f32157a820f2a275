"""Reads a log of the embedded broker."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from typing import Self

from streams.broker import Chunk, Details, Envelope, Lineage
from streams.embedded.chunk import StoredChunk, unpack_chunk
from streams.embedded.faults import Faults
from streams.embedded.log import Log
from streams.embedded.message import details, fingerprint, lineage
from streams.embedded.subscription import Subscription
from streams.errors import BrokerUnavailable


class EmbeddedLogReader(Subscription):
    """A LogReader from `offset` on."""

    def __init__(self, log: Log, offset: int, faults: Faults | None) -> None:
        super().__init__(log.name)
        self._log = log
        self._offset = offset
        self._faults = faults
        self._ahead: deque[StoredChunk] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        self.check()
        while not self._ahead:
            await self._read_ahead()
        if self._faults is not None and self._faults.delivering(self.target) is not None:
            self.end(BrokerUnavailable(f"the connection to log {self.target!r} was cut: read again"))
        self.check()
        chunk = self._ahead.popleft()
        self._offset = chunk.last + 1
        return unpack_chunk(chunk)

    async def _read_ahead(self) -> None:
        await asyncio.sleep(0)  # memory never makes a reader wait: the other tasks must run in between
        self._ahead.extend(await self._log.read(self._offset))
        if not self._ahead:
            await self.stirred()

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        envelopes: Sequence[Envelope] = chunk.raws[max(0, start - chunk.first) :]
        return [envelope for envelope in envelopes if envelope.type not in skip] if skip else list(envelopes)

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        return fingerprint(chunk.raws[offset - chunk.first])

    def details(self, envelope: Envelope) -> Details:
        return details(envelope)

    def lineage(self, envelope: Envelope) -> Lineage:
        return lineage(envelope)
