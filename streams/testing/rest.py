"""When a simulation has come to rest: every log read to its end, every queue empty."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from streams.app import App
from streams.broker import Broker
from streams.graph import is_log_agent
from streams.status import Status
from topology.spec import RETRY_PREFIX, Topology

PATIENCE = 7_200.0
"""Seconds within which everything has to come to rest: the retry ladder, leases, and more."""
POLL = 0.25
"""Seconds between looks at whether it has."""

Place = tuple[str, str, int]
"""Service, agent, partition."""


async def at_rest(apps: Iterable[App], topology: Topology, broker: Broker, statuses: Iterable[Status]) -> bool:
    """Whether there is nothing left to do for anybody, as far as can be told while workers run."""
    reached: dict[Place, int] = {}
    for status in statuses:
        place = status.service, status.agent, status.partition
        reached[place] = max(status.position, reached.get(place, -1))
    for place, log in _read(apps, topology):
        if reached.get(place, -1) < (await broker.extent(log)).last:
            return False
    rungs = [f"{RETRY_PREFIX}{rung}" for rung in topology.retry_delays()]
    return all([await broker.depth(queue) == 0 for queue in (*sorted(topology.queues), *sorted(rungs))])


async def comes_to_rest(
    apps: Sequence[App], topology: Topology, broker: Broker, statuses: Callable[[], Iterable[Status]]
) -> bool:
    """Wait until there is nothing left to do; False if that takes too long."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + PATIENCE
    while clock() < deadline:
        if await at_rest(apps, topology, broker, statuses()):
            return True
        await asyncio.sleep(POLL)
    return False


def _read(apps: Iterable[App], topology: Topology) -> Iterator[tuple[Place, str]]:
    """Every agent's partitions and the logs they are in."""
    for app in apps:
        for agent in app.agents.values():
            if is_log_agent(agent, topology):
                for number, log in enumerate(topology.logs[agent.topic.names[0]].partition_names):
                    yield (app.id, agent.name, number), log


def told(statuses: Sequence[Status]) -> Iterator[str]:
    """What agents say about themselves."""
    for status in statuses:
        reasons = "; ".join(filter(None, (status.reason, *status.troubles.values())))
        yield f"{status.service}.{status.agent}/{status.partition} is {status.state} at {status.position}: {reasons}"
