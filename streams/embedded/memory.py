"""Logs kept in memory, and queues left to the memory that they have anyway: gone with the process."""

import sys
from bisect import bisect_left
from collections.abc import Sequence

from streams.embedded.chunk import ChunkHead, StoredChunk
from streams.embedded.storage import Contents, LogState, QueuedMessage, QueueState, Transaction

_CHUNKS_AT_ONCE = 64


class MemoryStorage:
    """A Storage without a file."""

    durable = False
    queue_window = sys.maxsize

    def __init__(self) -> None:
        self._logs: list[list[StoredChunk]] = []

    async def open(self, logs: Sequence[str], queues: Sequence[str]) -> Contents:
        self._logs = [[] for _ in logs]
        return Contents(
            [LogState(number, name) for number, name in enumerate(logs)],
            [QueueState(number, name) for number, name in enumerate(queues)],
        )

    async def commit(self, transaction: Transaction) -> None:
        for log, chunk in transaction.chunks:
            self._logs[log].append(chunk)
        for log, first in transaction.truncated:
            del self._logs[log][: _position(self._logs[log], first)]

    async def chunks(self, log: int, offset: int) -> list[StoredChunk]:
        start = _position(self._logs[log], offset)
        return self._logs[log][start : start + _CHUNKS_AT_ONCE]

    async def oldest(self, log: int) -> list[ChunkHead]:
        return [chunk.head for chunk in self._logs[log][:_CHUNKS_AT_ONCE]]

    async def page(self, queue: int, after: int, through: int) -> list[QueuedMessage]:
        """Nothing: the queue's window has no end."""
        return []

    async def probe(self, size: int) -> None:
        """There is always room."""

    async def close(self) -> None:
        """There is nothing to give up."""


def _position(chunks: list[StoredChunk], offset: int) -> int:
    return bisect_left(chunks, offset, key=lambda chunk: chunk.last)
