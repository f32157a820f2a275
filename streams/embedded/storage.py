"""What the embedded broker asks of the place where it keeps logs and queues."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from streams.embedded.chunk import ChunkHead, StoredChunk
from streams.errors import BrokerUnavailable


class StorageFull(BrokerUnavailable):
    """There is no room for more messages: make room on the disk."""


class QueuedMessage(msgspec.Struct, gc=False):
    """A message of a queue. Ids grow over all queues and are the order within each."""

    id: int
    data: bytes
    due: int = 0
    """When it leaves a delay queue, in milliseconds since 1970 UTC."""
    deliveries: int = 0


class LogState(NamedTuple):
    """A log that is kept: the offsets from `first` up to `next` (not included), bytes, time of its last chunk."""

    id: int
    name: str
    first: int = 0
    next: int = 0
    size: int = 0
    time: int = 0


class QueueState(NamedTuple):
    """A queue that is kept, with the number of its messages and the highest id among them."""

    id: int
    name: str
    ready: int = 0
    last: int = 0


class Contents(NamedTuple):
    """All that is kept."""

    logs: Sequence[LogState]
    queues: Sequence[QueueState]


@dataclass(slots=True)
class Transaction:
    """Changes that are kept all together or not at all."""

    chunks: list[tuple[int, StoredChunk]] = field(default_factory=list)
    """By the id of their log."""
    messages: list[tuple[int, QueuedMessage]] = field(default_factory=list)
    """By the id of their queue."""
    delivered: list[int] = field(default_factory=list)
    """Ids of messages whose count of deliveries grows by one."""
    removed: list[int] = field(default_factory=list)
    """Ids of messages that leave their queue."""
    truncated: list[tuple[int, int]] = field(default_factory=list)
    """Log id, and the offset of the first chunk that stays."""

    @property
    def grows(self) -> bool:
        """Whether it needs room."""
        return bool(self.chunks or self.messages)


class Storage(Protocol):
    """Keeps logs and queues. Reads may see a commit before the call that made it has returned.

    Every method may raise BrokerUnavailable.
    """

    @property
    def durable(self) -> bool:
        """Whether what is committed survives the process."""

    @property
    def queue_window(self) -> int:
        """Bytes of a queue's messages that stay in memory: what comes after them is read by `page` in its turn."""

    async def open(self, logs: Sequence[str], queues: Sequence[str]) -> Contents:
        """Take sole possession, make what is missing of these, and tell all that is kept (more than these, perhaps)."""

    async def commit(self, transaction: Transaction) -> None:
        """Keep the changes. Raises StorageFull: nothing of them is kept."""

    async def chunks(self, log: int, offset: int) -> list[StoredChunk]:
        """Some consecutive chunks of a log, from the one that holds `offset` (or the first after it) on."""

    async def oldest(self, log: int) -> list[ChunkHead]:
        """Some of the oldest chunks of a log, in order."""

    async def page(self, queue: int, after: int, through: int) -> list[QueuedMessage]:
        """Some messages of a queue with ids above `after` up to `through`, in order."""

    async def probe(self, size: int) -> None:
        """See whether there is room for so many bytes. Raises StorageFull."""

    async def close(self) -> None:
        """Give up possession. May be called twice."""
