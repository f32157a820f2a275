"""Places in a log: where it begins and ends, what stands at an offset, where a moment lies."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from stores.port import Checkpoint
from streams.broker import Broker, Chunk, Envelope, Extent, LogReader
from streams.errors import BrokerError

SILENCE = 5.0
"""Seconds to wait for what a log says it has."""

Known = Literal["same", "expired", "other"]
"""Whether a log holds the event that a checkpoint knows: it does; it is older than what is kept; it does not."""


@dataclass(frozen=True, slots=True)
class Places:
    """One stream of a broker."""

    broker: Broker
    stream: str

    async def extent(self) -> Extent:
        """The offsets that it holds now."""
        return await self.broker.extent(self.stream)

    async def fingerprint(self, offset: int) -> bytes:
        """Of the message at that offset; b"" where there is none."""
        extent = await self.extent()
        if not extent.first <= offset <= extent.last:
            return b""
        async with self.broker.read(self.stream, offset) as reader:
            async for chunk in self._within(reader):
                if chunk.first > offset:
                    return b""
                if offset < chunk.first + len(chunk.raws):
                    return reader.fingerprint(chunk, offset)
        return b""

    async def envelope(self, offset: int) -> Envelope | None:
        """The message at that offset; None where there is none."""
        extent = await self.extent()
        if not extent.first <= offset <= extent.last:
            return None
        async with self.broker.read(self.stream, offset) as reader:
            async for chunk in self._within(reader):
                if chunk.first + len(chunk.raws) > offset:
                    found = reader.scan(chunk, offset, ()) if chunk.first <= offset else []
                    return found[0] if found and found[0].offset == offset else None
        return None

    async def knows(self, checkpoint: Checkpoint) -> Known:
        """Whether it is the log that a checkpoint was made on."""
        if checkpoint.position < 0 or not checkpoint.anchor:
            return "same"
        extent = await self.extent()
        if extent.first > checkpoint.position:
            return "expired"
        return "same" if await self.fingerprint(checkpoint.position) == checkpoint.anchor else "other"

    async def at(self, moment: int) -> int:
        """The offset of the first message that the log took at that moment (ms since 1970) or later; else its end."""
        extent = await self.extent()
        low, high = max(extent.first, 0), extent.last + 1
        while low < high:
            middle = (low + high) // 2
            chunk = await self._chunk(middle)
            if chunk is None or chunk.time >= moment:
                high = middle if chunk is None else min(middle, max(chunk.first, low))
            else:
                low = chunk.first + len(chunk.raws)
        return low

    async def _chunk(self, offset: int) -> Chunk | None:
        """The chunk that holds an offset, or the next one; None where there is none."""
        async with self.broker.read(self.stream, offset) as reader:
            async for chunk in self._within(reader):
                if chunk.first + len(chunk.raws) > offset:
                    return chunk
        return None

    async def _within(self, reader: LogReader) -> AsyncIterator[Chunk]:
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    chunk = await reader.__anext__()
            except TimeoutError:
                raise BrokerError(f"log {self.stream!r} is silent where it has events: try again") from None
            yield chunk
