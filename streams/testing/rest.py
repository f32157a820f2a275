"""When a simulation has come to rest: every log read to its end, nothing due, every queue empty."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stores.port import Slot, Store
from streams.app import App
from streams.broker import Broker
from streams.editions import forwarder_name
from streams.graph import at_work, is_log_agent
from streams.source import sources
from streams.status import Status
from topology.spec import RETRY_PREFIX, Topology

PATIENCE = 1_200.0
"""Seconds within which everything has to come to rest: the retry ladder, leases, and more."""
POLL = 0.5
"""Seconds between looks at whether it has."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What there is to do, and whether it is done."""

    apps: Iterable[App]
    topology: Topology
    stores: Mapping[str, Store]
    broker: Broker

    async def undone(self) -> list[str]:
        """What is left to do, as far as can be told while workers run."""
        left = [why for app in self.apps for why in await self._behind(app)]
        depths = {queue: await self.broker.depth(queue) for queue in self._queues()}
        return left + [f"queue {queue} holds {depth} messages" for queue, depth in depths.items() if depth]

    async def _behind(self, app: App) -> list[str]:
        standings = {standing.slot: standing for standing in await self.stores[app.id].standings()}
        left: list[str] = []
        for slot, log in self._read(app):
            last, standing = (await self.broker.extent(log)).last, standings.get(slot)
            position = -1 if standing is None else standing.position
            if position < last:
                left.append(f"{app.id}.{slot} has read {log} up to {position}, and it ends at {last}")
            if standing is not None and standing.due:
                left.append(f"{app.id}.{slot} has {standing.due} due times to come")
        return left

    async def comes_to_rest(self) -> list[str]:
        """Wait until nothing is left to do; what still is, if that takes too long."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE
        while True:
            left = await self.undone()
            if not left or clock() > deadline:
                return left
            await asyncio.sleep(POLL)

    def _read(self, app: App) -> Iterator[tuple[Slot, str]]:
        """The slots of an app, and the streams they read."""
        for log in self.topology.service(app.id).logs:
            if log.partitions > 1:
                yield Slot(forwarder_name(log)), log.name
        for agent in at_work(app, self.topology):
            if is_log_agent(agent, self.topology):
                for source in sources(self.topology.logs[agent.topic.names[0]]):
                    yield Slot(agent.name, source.partition), source.stream

    def _queues(self) -> list[str]:
        rungs = [f"{RETRY_PREFIX}{rung}" for rung in self.topology.retry_delays()]
        return [*sorted(self.topology.queues), *sorted(rungs)]


def told(statuses: Iterable[Status]) -> Iterator[str]:
    """What agents say about themselves."""
    for status in statuses:
        reasons = "; ".join(filter(None, (status.reason, *status.troubles.values())))
        yield f"{status.service}.{status.agent}/{status.partition} is {status.state} at {status.position}: {reasons}"
