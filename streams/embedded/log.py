"""A log: appended to in chunks, read from any offset, its newest chunks at hand in memory."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial

from streams.broker import Extent
from streams.embedded.chunk import ChunkHead, StoredChunk, pack_chunks
from streams.embedded.storage import LogState, Storage, Transaction

TAIL_BYTES = 4_194_304
_BYTES_AT_ONCE = 1_048_576


class Tail:
    """The newest chunks of a log, without gaps, up to a number of bytes (but the newest always)."""

    def __init__(self, max_bytes: int = TAIL_BYTES) -> None:
        self._max_bytes = max_bytes
        self._chunks: list[StoredChunk] = []
        self._size = 0

    def append(self, chunks: Sequence[StoredChunk]) -> None:
        self._chunks.extend(chunks)
        self._size += sum(len(chunk.data) for chunk in chunks)
        # Twice as much as is wanted, before it is cut: moving the list then costs little per chunk.
        if self._size > 2 * self._max_bytes:
            self._cut()

    def since(self, offset: int) -> list[StoredChunk]:
        """Some chunks from the one that holds `offset` on; none where it lies before the tail or after it."""
        if not self._chunks or offset < self._chunks[0].first:
            return []
        start = bisect_left(self._chunks, offset, key=lambda chunk: chunk.last)
        return _up_to(_BYTES_AT_ONCE, self._chunks, start)

    def _cut(self) -> None:
        stays = len(self._chunks) - 1
        size = len(self._chunks[stays].data)
        while stays and size + len(self._chunks[stays - 1].data) <= self._max_bytes:
            stays -= 1
            size += len(self._chunks[stays].data)
        del self._chunks[:stays]
        self._size = size


class Log:
    """What is kept of a log, as far as it is committed. `listeners` are called when it has grown or lost its head.

    Listeners are a dict for its order: sets of methods have another in every run.
    """

    def __init__(self, state: LogState, storage: Storage) -> None:
        self.id = state.id
        self.name = state.name
        self.first = state.first
        self.next = state.next
        """The offset of the next message."""
        self.size = state.size
        """Bytes of its messages."""
        self.listeners: dict[Callable[[], None], None] = {}
        self._time = state.time
        self._tail = Tail()
        self._storage = storage

    @property
    def extent(self) -> Extent:
        return Extent(self.first, self.next - 1) if self.next > self.first else Extent(-1, -1)

    def stage(self, messages: Sequence[bytes], now: int, transaction: Transaction) -> Callable[[], None]:
        """Put messages into a transaction; to be called when it is committed, and before the next is staged.

        The log's time never goes back, even if the clock does.
        """
        chunks = pack_chunks(messages, self.next, max(now, self._time))
        transaction.chunks.extend((self.id, chunk) for chunk in chunks)
        return partial(self._append, chunks)

    def _append(self, chunks: Sequence[StoredChunk]) -> None:
        self.next = chunks[-1].last + 1
        self._time = chunks[-1].time
        self.size += sum(len(chunk.data) for chunk in chunks)
        self._tail.append(chunks)
        self._changed()

    async def read(self, offset: int) -> list[StoredChunk]:
        """Some consecutive chunks from the one that holds `offset` (or the first after it) on; none past the end."""
        if offset >= self.next:
            return []
        offset = max(offset, self.first)
        return self._tail.since(offset) or await self._storage.chunks(self.id, offset)

    async def oldest(self) -> list[ChunkHead]:
        """Some of its oldest chunks. The newest chunk of the log is never among them."""
        return [head for head in await self._storage.oldest(self.id) if head.last < self.next - 1]

    def stage_truncation(self, heads: Sequence[ChunkHead], transaction: Transaction) -> Callable[[], None]:
        """Put the end of its oldest chunks into a transaction; to be called when it is committed."""
        transaction.truncated.append((self.id, heads[-1].last + 1))
        return partial(self._truncate, heads)

    def _truncate(self, heads: Sequence[ChunkHead]) -> None:
        self.size -= sum(head.size for head in heads if head.first >= self.first)
        self.first = max(self.first, heads[-1].last + 1)
        self._changed()

    def _changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()


def _up_to(limit: int, chunks: Sequence[StoredChunk], start: int) -> list[StoredChunk]:
    """Some of the chunks from `start` on: up to so many bytes, at least one if there is one."""
    found: list[StoredChunk] = []
    size = 0
    for index in range(start, len(chunks)):
        size += len(chunks[index].data)
        if found and size > limit:
            break
        found.append(chunks[index])
    return found
