"""The embedded broker behind its users: what it keeps, and the tasks that keep it going."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

from streams.broker import Notice
from streams.embedded.clock import Clock
from streams.embedded.dead_letters import DeadLetters
from streams.embedded.faults import Faults
from streams.embedded.journal import Journal
from streams.embedded.ladder import Rung
from streams.embedded.listener import EmbeddedListener
from streams.embedded.retention import Keeper
from streams.embedded.router import Router
from streams.embedded.storage import Storage
from streams.embedded.subscription import Subscription
from streams.embedded.targets import Targets, log_names, queue_names
from streams.errors import BrokerError, BrokerUnavailable
from topology.spec import Topology

_PAUSE = 1.0  # seconds, before a task that the storage has failed starts again

S = TypeVar("S", bound=Subscription)


class Core:
    """Everything that an open embedded broker has; `outages` counts how often its users have lost their connections."""

    def __init__(
        self, topology: Topology, targets: Targets, storage: Storage, clock: Clock, faults: Faults | None
    ) -> None:
        self.targets = targets
        self.faults = faults
        self.outages = 0
        self.unknown_exchange: str | None = None
        """What was wrong with the last message to an exchange that is not declared."""
        self.journal = Journal(storage, clock)
        self.router = Router(topology, targets.declared, targets.rungs)
        self.dead_letters = DeadLetters(self.router, self.journal)
        self._storage = storage
        self._subscriptions: dict[Subscription, None] = {}
        """In the order in which they came, so that a simulation runs the same every time."""
        self._listeners: dict[EmbeddedListener, None] = {}
        self._rungs = [Rung(queue, self.router, self.journal, clock) for queue in targets.rungs.values()]
        keepers = [
            Keeper(log, self.journal, clock, max_age=declared.max_age, max_bytes=declared.max_bytes)
            for log, declared in targets.declared_logs()
            if declared.max_age is not None or declared.max_bytes is not None
        ]
        self._tasks = [_start(f"rung {rung.name}", rung.run) for rung in self._rungs]
        self._tasks += [_start(f"retention of {keeper.name}", keeper.run) for keeper in keepers]

    @contextmanager
    def attached(self, subscription: S) -> Iterator[S]:
        """The subscription, known for as long as it is used."""
        self._subscriptions[subscription] = None
        try:
            yield subscription
        finally:
            del self._subscriptions[subscription]
            subscription.end(BrokerUnavailable(f"the reader of {subscription.target!r} was left: make a new one"))

    @contextmanager
    def listening(self, listener: EmbeddedListener) -> Iterator[None]:
        """The listener hears what is told, for as long as the context lasts. Raises NoSuchTarget."""
        self.router.require(listener.target)
        self._listeners[listener] = None
        try:
            yield
        finally:
            del self._listeners[listener]

    def tell(self, exchange: str, notice: Notice) -> None:
        """Tell those who listen now."""
        for listener in self._listeners:
            listener.hear(exchange, notice)

    def end(self, error: BrokerError, target: str | None = None) -> None:
        """End the subscriptions to a target, or all."""
        for subscription in tuple(self._subscriptions):
            if target is None or subscription.target == target:
                subscription.end(error)

    @property
    def problems(self) -> Iterator[str]:
        """Sentences about what does not work."""
        if self.journal.problem is not None:
            yield str(self.journal.problem)
        yield from filter(None, (self.dead_letters.problem, self.unknown_exchange))
        yield from (rung.problem for rung in self._rungs if rung.problem)
        yield from (f"{task.get_name()} has stopped: restart" for task in self._tasks if task.done())

    async def close(self) -> None:
        """Commit what waits, and give the storage up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.journal.close()
        await self._storage.close()


async def open_core(topology: Topology, storage: Storage, clock: Clock, faults: Faults | None) -> Core:
    """Take possession of the storage, declare the topology there, and start. Raises BrokerUnavailable."""
    contents = await storage.open(log_names(topology), queue_names(topology))
    return Core(topology, Targets(topology, storage, contents), storage, clock, faults)


def _start(name: str, run: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
    return asyncio.create_task(_for_ever(run), name=f"embedded broker: {name}")


async def _for_ever(run: Callable[[], Coroutine[None, None, None]]) -> None:
    while True:
        try:
            await run()
        except BrokerUnavailable:
            await asyncio.sleep(_PAUSE)
