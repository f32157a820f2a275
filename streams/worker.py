"""The worker: runs the agents of some apps, each service on its own store, all on one broker."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from stores.port import Store
from streams.app import App, Timer
from streams.batcher import Batcher
from streams.broker import Broker
from streams.duties import duties
from streams.graph import check, check_stores, is_log_agent
from streams.hold import Hold
from streams.journal import log
from streams.limits import Limits
from streams.ownership import Ownership
from streams.pausing import pause
from streams.queue_agent import QueueAgent
from streams.status import Status
from streams.surroundings import Surroundings
from streams.tracing import Tracer
from topology.spec import Topology

LEASE = 10.0
"""Seconds after which a worker that is not heard of has lost its partitions."""
PATIENCE = 30.0
"""Seconds that a worker has to stop in."""


class Worker:
    """Runs agents from `start` until `stop`. Stores and the broker are opened and closed by whoever made them."""

    def __init__(
        self,
        apps: Sequence[App],
        *,
        broker: Broker,
        stores: Mapping[str, Store],
        topology: Topology,
        now: Callable[[], int],
        ids: random.Random,
        lease: float = LEASE,
        limits: Limits | None = None,
        trusted: Iterable[str] = (),
        tracer: Tracer | None = None,
        outdated: asyncio.Event | None = None,
    ) -> None:
        """`stores` by app id; `now` gives ms since 1970 UTC; `ids` names the worker and spreads waits; `tracer`
        takes the spans of events that came with a sampled trace. `outdated` is set once the worker has left a service
        to others because its topology is not the one in force: start the process again then.

        Lanes count from the users that the topology names, the broker's own user, and `trusted`.
        Raises DeclarationError where apps, stores and topology do not fit.
        """
        check(apps, topology)
        check_stores(apps, stores, topology)
        broker.expect(stream for declared in topology.logs.values() for stream in declared.streams)
        self.id = f"{ids.getrandbits(64):016x}"
        self._apps = apps
        self._stores = stores
        self._lease = lease
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        users = frozenset([broker.user, *trusted, *(service.name for service in topology.services)])
        self._queue_agents: list[QueueAgent] = []
        self._holds: list[Hold] = []
        self._ownerships: list[Ownership] = []
        outdated = outdated or asyncio.Event()
        for app in apps:
            around = Surroundings(
                stores[app.id], broker, topology, self.id, lease, users, now, ids, limits or Limits(), tracer
            )
            agents = app.agents.values()
            self._queue_agents += [QueueAgent(agent, around) for agent in agents if not is_log_agent(agent, topology)]
            holds = [Hold(duty, around) for duty in duties(app, around)]
            self._holds += holds
            if holds:
                self._ownerships.append(Ownership(app.id, holds, around, outdated))

    async def start(self) -> None:
        """Bind documents and start every agent. Returns at once; agents that cannot run yet say why in `status`."""
        for app in self._apps:
            documents = Batcher(self._stores[app.id])
            for collection in app.collections.values():
                collection.bind(documents)
        runs = [agent.run(self._stop) for agent in self._queue_agents]
        runs += [ownership.run(self._stop) for ownership in self._ownerships]
        runs += [self._repeat(timer) for app in self._apps for timer in app.timers]
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def stop(self) -> None:
        """Finish what is at hand, commit, wait for confirms, give slots up. What cannot be finished is given up after
        PATIENCE as in a crash: nothing is lost, and the slot is free when the lease has run out."""
        self._stop.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=PATIENCE)
        if late:
            log.warning("stopped without finishing", seconds=PATIENCE, why="a broker, a store or a body did not answer")
        await self.abandon()

    async def abandon(self) -> None:
        """Stop as a crash would: finish nothing, give nothing up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> list[Status]:
        """How each agent does: queue agents, and log agents on each partition, those of other workers too."""
        return [agent.status for agent in self._queue_agents] + [hold.status for hold in self._holds]

    async def _repeat(self, timer: Timer) -> None:
        while not self._stop.is_set():
            await pause(self._stop, timer.interval)
            if self._stop.is_set():
                return
            try:
                await timer.function()
            except Exception:
                log.exception("timer failed", timer=timer.name)
