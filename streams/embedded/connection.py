"""One user's way to an embedded broker."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Literal, TypeVar

from streams.broker import Capabilities, Extent, Health, Listener, LogReader, Message, Notice, Outcome, QueueReader
from streams.embedded.consumer import Consumer
from streams.embedded.core import Core
from streams.embedded.listener import EmbeddedListener
from streams.embedded.log import Log
from streams.embedded.log_reader import EmbeddedLogReader
from streams.embedded.publication import publish
from streams.embedded.queue import Queue
from streams.embedded.subscription import Subscription
from streams.errors import BrokerError, BrokerUnavailable

Start = int | Literal["first", "next"]
S = TypeVar("S", bound=Subscription)


class Connection:
    """A Broker. Made by `Embedded.connect`; many of them share one embedded broker."""

    def __init__(
        self,
        user: str,
        capabilities: Capabilities,
        core: Callable[[], Awaitable[Core]],
        health: Callable[[], Health],
    ) -> None:
        self._user = user
        self._capabilities = capabilities
        self._core = core
        self._health = health
        self._used = False
        self._opened: Core | None = None
        self._closed = False
        self._subscriptions: dict[Subscription, None] = {}

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def user(self) -> str:
        return self._user

    async def open(self) -> None:
        await self._open()

    def expect(self, logs: Iterable[str]) -> None:
        """They are up when the server is."""

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        try:
            core = await self._open()
        except BrokerError:
            return [Outcome.LOST] * len(messages)
        return await publish(core, self._user, messages)

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        if self._opened is not None and not self._closed:
            self._opened.tell(exchange, Notice(key, body))

    @asynccontextmanager
    async def listen(self, exchange: str, keys: Sequence[str]) -> AsyncIterator[Listener]:
        core = await self._open()
        listener = EmbeddedListener(exchange, keys)
        with core.attached(listener), core.listening(listener):
            self._subscriptions[listener] = None
            try:
                yield listener
            finally:
                del self._subscriptions[listener]

    @asynccontextmanager
    async def read(self, log: str, offset: Start) -> AsyncIterator[LogReader]:
        core = await self._open()
        target = core.targets.log(log)
        with self._attached(
            core, target, EmbeddedLogReader(target, _first_offset(target, offset), core.faults)
        ) as reader:
            yield reader

    @asynccontextmanager
    async def consume(self, queue: str, prefetch: int) -> AsyncIterator[QueueReader]:
        core = await self._open()
        target = core.targets.queue(queue)
        consumer = Consumer(target, prefetch, core.journal, core.dead_letters, core.faults)
        with self._attached(core, target, consumer):
            yield consumer

    async def depth(self, queue: str) -> int:
        return (await self._open()).targets.queue(queue).ready

    async def extent(self, log: str) -> Extent:
        return (await self._open()).targets.log(log).extent

    def health(self) -> Health:
        return self._health() if self._used and not self._closed else Health("idle")

    async def close(self) -> None:
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.end(self._gone)
        if self._opened is not None:
            await self._opened.journal.flush()

    async def _open(self) -> Core:
        if self._closed:
            raise self._gone
        self._used = True
        self._opened = await self._core()
        return self._opened

    @property
    def _gone(self) -> BrokerUnavailable:
        return BrokerUnavailable(f"the connection of {self._user!r} was closed: connect again")

    @contextmanager
    def _attached(self, core: Core, target: Log | Queue, subscription: S) -> Iterator[S]:
        with core.attached(subscription):
            self._subscriptions[subscription] = None
            target.listeners[subscription.stir] = None
            try:
                yield subscription
            finally:
                del target.listeners[subscription.stir]
                del self._subscriptions[subscription]


def _first_offset(log: Log, start: Start) -> int:
    if start == "first":
        return log.first
    return log.next if start == "next" else start
