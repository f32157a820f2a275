"""The intake: chunks of a log on their way to a batch, read ahead within bounds."""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from operator import attrgetter

from streams.broker import Chunk, Envelope, LogReader
from streams.errors import BrokerError, BrokerUnavailable, Halted
from streams.limits import Limits

SILENCE = 5.0
"""Seconds to wait for the event that the checkpoint knows, before saying that the log is silent."""
OVERHEAD = 1_000
"""Bytes that a waiting message takes beside its body, roughly: an envelope, properties, headers."""


@dataclass(frozen=True, slots=True)
class Part:
    """Messages of one chunk. With them all of the chunk up to `end` is dealt with: what is not listed was skipped."""

    chunk: Chunk
    envelopes: list[Envelope]
    end: int
    bytes: int
    """Size of the bodies."""

    @classmethod
    def of(cls, chunk: Chunk, envelopes: list[Envelope], end: int) -> "Part":
        """Messages of a chunk, their bodies added up."""
        return cls(chunk, envelopes, end, sum([len(e.body) for e in envelopes]))

    @property
    def weight(self) -> int:
        """Bytes in memory, roughly."""
        return self.bytes + OVERHEAD * len(self.envelopes)

    def cut(self, count: int) -> tuple["Part", "Part"]:
        """The first `count` messages and the rest."""
        envelopes, tail = self.envelopes[:count], self.envelopes[count:]
        head = Part.of(self.chunk, envelopes, tail[0].offset - 1 if tail else self.end)
        return head, Part(self.chunk, tail, self.end, self.bytes - head.bytes)


def cut_at(parts: list[Part], offset: int) -> tuple[list[Part], list[Part]]:
    """What lies below an offset, and the rest from it on."""
    below: list[Part] = []
    rest: list[Part] = []
    for part in parts:
        if part.end < offset:
            below.append(part)
        elif part.envelopes and part.envelopes[0].offset < offset:
            head, tail = part.cut(bisect_left(part.envelopes, offset, key=attrgetter("offset")))
            below.append(head)
            rest.append(tail)
        else:
            rest.append(part)
    return below, rest


@dataclass(frozen=True, slots=True)
class Anchor:
    """The last event that was handled, by which the log is recognised again."""

    log: str
    offset: int
    fingerprint: bytes

    def check(self, reader: LogReader, chunk: Chunk) -> None:
        """Whether the first chunk that reaches the anchor's offset holds that event. Raises Halted."""
        if chunk.first > self.offset:
            raise Halted(
                f"log {self.log!r} begins at offset {chunk.first}, but was read up to {self.offset}: events "
                "between were removed by retention, or the log was made anew. Compare them, then `warren agents reset`"
            )
        if reader.fingerprint(chunk, self.offset) != self.fingerprint:
            raise Halted(
                f"log {self.log!r} has another event at offset {self.offset} than the one that was read there: the "
                "log was made anew or restored. Check that it is the right log, then `warren agents reset`"
            )


class Intake:
    """Reads a log ahead in a task of its own and hands out parts, never more than asked for."""

    def __init__(
        self,
        reader: LogReader,
        *,
        start: int,
        skip: Collection[str],
        limits: Limits,
        wake: Callable[[], None],
        anchor: Anchor | None = None,
    ) -> None:
        """From offset `start` on, without the types to `skip`. `wake` is called when something came or reading ended.

        Reading pauses while more than half a batch waits. With an anchor the reader must begin at it.
        """
        self._reader = reader
        self._start = start
        self._skip = skip
        self._max_bytes = (limits.bytes + OVERHEAD * limits.events) // 2
        self._wake = wake
        self._anchor = anchor
        self._waiting: deque[Part] = deque()
        self._bytes = 0
        self._room = asyncio.Event()
        self.recognised = asyncio.Event()
        """Set once the log is known to be the one the anchor is in."""
        if anchor is None:
            self.recognised.set()
        self._task = asyncio.create_task(self._pump())
        self._task.add_done_callback(self._ended)

    @property
    def waiting_bytes(self) -> int:
        """What was read ahead, with what messages take beside their bodies."""
        return self._bytes

    def _ended(self, _: object) -> None:
        self.recognised.set()
        self._wake()

    async def _pump(self) -> None:
        async for chunk in self._reader:
            if not self._recognise(chunk):
                continue
            self._add(chunk)
            while self._bytes > self._max_bytes:
                self._room.clear()
                await self._room.wait()
        raise BrokerUnavailable("the log's reader has ended: read again")

    def _recognise(self, chunk: Chunk) -> bool:
        """Whether the log is known to be the right one; False while what comes lies before the anchor."""
        if self.recognised.is_set() or self._anchor is None:
            return True
        if chunk.first + len(chunk.raws) <= self._anchor.offset:
            return False
        self._anchor.check(self._reader, chunk)
        self.recognised.set()
        return True

    def _add(self, chunk: Chunk) -> None:
        end = chunk.first + len(chunk.raws) - 1
        if end >= self._start:
            part = Part.of(chunk, self._reader.scan(chunk, self._start, self._skip), end)
            if self._waiting and not self._waiting[-1].envelopes:
                self._waiting.pop()  # to have dealt with the later chunk is to have dealt with the one all skipped
            self._waiting.append(part)
            self._bytes += part.weight
            self._wake()

    async def recognise(self) -> None:
        """Wait until the log is known to be the right one. Raises BrokerError where it stays silent."""
        if self._anchor is None:
            return
        try:
            async with asyncio.timeout(SILENCE):
                await self.recognised.wait()
        except TimeoutError:
            raise BrokerError(
                f"log {self._anchor.log!r} is silent from offset {self._anchor.offset} on, where an event was read: "
                "was it made anew or restored? It is tried again; `warren agents reset` begins anew"
            ) from None

    def has(self, count: int) -> bool:
        """Whether so many messages wait."""
        waiting = 0
        return any((waiting := waiting + len(part.envelopes)) >= count for part in self._waiting)

    def take(self, count: int) -> list[Part]:
        """Up to `count` messages that wait, with what was skipped between them.

        Raises what ended the reading, once all is taken.
        """
        taken: list[Part] = []
        while self._waiting and count > 0:
            part = self._waiting.popleft()
            if len(part.envelopes) > count:
                part, rest = part.cut(count)
                self._waiting.appendleft(rest)
            count -= len(part.envelopes)
            self._bytes -= part.weight
            taken.append(part)
        self._room.set()
        if not taken and self._task.done() and not self._task.cancelled():
            self._task.result()
        return taken

    def put_back(self, parts: list[Part]) -> None:
        """Give back the last parts that were taken."""
        self._waiting.extendleft(reversed(parts))
        self._bytes += sum(part.weight for part in parts)

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
