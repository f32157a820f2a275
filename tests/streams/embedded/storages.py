"""A storage for tests: keeps everything in memory, counts what is asked of it, and fails when told to."""

import asyncio
from collections.abc import Sequence

from streams.embedded.chunk import ChunkHead, StoredChunk
from streams.embedded.memory import MemoryStorage
from streams.embedded.storage import Contents, LogState, QueuedMessage, QueueState, Transaction
from streams.errors import BrokerUnavailable


class PagedStorage(MemoryStorage):
    """Keeps the messages of queues too, so that a queue may hold only a few of them itself."""

    def __init__(self, queue_window: int = 30, page: int = 3) -> None:
        super().__init__()
        self.queue_window = queue_window
        self.problem: BrokerUnavailable | None = None
        self.seconds = 0.0
        """How long a commit takes."""
        self.commits = 0
        self.messages: dict[int, tuple[int, QueuedMessage]] = {}
        self._page = page

    async def open(self, logs: Sequence[str], queues: Sequence[str]) -> Contents:
        contents = await super().open(logs, queues)
        return Contents(contents.logs, [QueueState(state.id, state.name) for state in contents.queues])

    async def commit(self, transaction: Transaction) -> None:
        if self.problem is not None:
            raise self.problem
        if self.seconds:
            await asyncio.sleep(self.seconds)
        await super().commit(transaction)
        self.commits += 1
        for queue, message in transaction.messages:
            self.messages[message.id] = (queue, QueuedMessage(message.id, message.data, message.due))
        for id in transaction.delivered:
            self.messages[id][1].deliveries += 1
        for id in transaction.removed:
            del self.messages[id]

    async def page(self, queue: int, after: int, through: int) -> list[QueuedMessage]:
        found = (message for of, message in self.messages.values() if of == queue and after < message.id <= through)
        return sorted(found, key=lambda message: message.id)[: self._page]

    async def probe(self, size: int) -> None:
        if self.problem is not None:
            raise self.problem


class ReadCounting(MemoryStorage):
    """Counts how often a log is read from it instead of from the log's tail."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def chunks(self, log: int, offset: int) -> list[StoredChunk]:
        self.reads += 1
        return await super().chunks(log, offset)


def state(name: str = "log") -> LogState:
    """A log that is empty."""
    return LogState(0, name)


def head(first: int, last: int, time: int = 0, size: int = 1) -> ChunkHead:
    """A chunk without its messages."""
    return ChunkHead(first, last, time, size)
