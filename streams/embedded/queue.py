"""A queue: messages in the order of their ids, handed out one reader each, taken back in order.

The first messages are in memory, up to the storage's window; the rest are read back when their turn comes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush

from streams.embedded.storage import QueuedMessage, QueueState, Storage, Transaction


class Queue:
    """What is kept of a queue, as far as it is committed. `listeners` are called when there is something to take.

    `delivery_limit` None: no limit. `delay` is the time in milliseconds after which messages of a delay queue are due.
    """

    def __init__(
        self, state: QueueState, storage: Storage, ids: Iterator[int], *, delivery_limit: int | None, delay: int = 0
    ) -> None:
        self.id = state.id
        self.name = state.name
        self.delivery_limit = delivery_limit
        self.delay = delay
        self.listeners: dict[Callable[[], None], None] = {}
        self._storage = storage
        self._ids = ids
        self._returned: list[tuple[int, QueuedMessage]] = []
        self._window: deque[QueuedMessage] = deque()
        self._window_size = 0
        self._paged_out = state.ready
        """Messages that are in the storage only: those with ids above `_loaded`, up to `_arrived`."""
        self._loaded = 0
        self._arrived = state.last
        self._paging = asyncio.Lock()

    @property
    def ready(self) -> int:
        """Messages that wait to be taken."""
        return len(self._returned) + len(self._window) + self._paged_out

    def stage(self, messages: Sequence[bytes], now: int, transaction: Transaction) -> Callable[[], None]:
        """Put messages into a transaction; to be called when it is committed, and before the next is staged."""
        due = now + self.delay
        queued = [QueuedMessage(next(self._ids), message, due) for message in messages]
        transaction.messages.extend((self.id, message) for message in queued)
        return partial(self._push, queued)

    def _push(self, messages: Sequence[QueuedMessage]) -> None:
        for message in messages:
            self._arrived = message.id
            if self._paged_out or self._window_size >= self._storage.queue_window:
                self._paged_out += 1
            else:
                self._admit(message)
        self._changed()

    def _admit(self, message: QueuedMessage) -> None:
        self._window.append(message)
        self._window_size += len(message.data)
        self._loaded = message.id

    async def fill(self) -> None:
        """Have the first messages in memory, if there are any. Until the next await they can be taken."""
        async with self._paging:
            while self._paged_out and not self._window and not self._returned:
                page = await self._storage.page(self.id, self._loaded, self._arrived)
                self._paged_out -= len(page)
                for message in page:
                    self._admit(message)

    @property
    def first(self) -> QueuedMessage | None:
        """The first message in memory."""
        if self._returned:
            return self._returned[0][1]
        return self._window[0] if self._window else None

    def take(self, limit: int) -> list[QueuedMessage]:
        """The first messages in memory: they are the caller's, to be removed from the storage or given back."""
        taken: list[QueuedMessage] = []
        while len(taken) < limit and self.first is not None:
            taken.append(self._pop())
        return taken

    def take_due(self, now: int, limit: int) -> list[QueuedMessage]:
        """The first messages in memory that are due."""
        taken: list[QueuedMessage] = []
        while len(taken) < limit and (first := self.first) is not None and first.due <= now:
            taken.append(self._pop())
        return taken

    def give_back(self, messages: Sequence[QueuedMessage]) -> None:
        """Put messages that were taken back into their places."""
        for message in messages:
            heappush(self._returned, (message.id, message))
        if messages:
            self._changed()

    def _pop(self) -> QueuedMessage:
        if self._returned:
            return heappop(self._returned)[1]
        message = self._window.popleft()
        self._window_size -= len(message.data)
        return message

    def _changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()
