"""The logs and queues of one run: those that the topology declares, and those that were kept from earlier ones.

What is kept but no longer declared loses nothing and can be read, but nothing is routed to it.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from streams.embedded.log import Log
from streams.embedded.queue import Queue
from streams.embedded.storage import Contents, QueueState, Storage
from streams.errors import NoSuchTarget
from topology.errors import TopologyError
from topology.spec import RETRY_PREFIX, Topology, nearest
from topology.spec import Log as DeclaredLog
from topology.units import parse_duration


class Targets:
    """Logs and queues by their names."""

    def __init__(self, topology: Topology, storage: Storage, contents: Contents) -> None:
        self._topology = topology
        self._storage = storage
        ids = count(1 + max((state.last for state in contents.queues), default=0))
        self.logs = {state.name: Log(state, storage) for state in contents.logs}
        self.queues = {state.name: self._queue(state, ids) for state in contents.queues}

    def _queue(self, state: QueueState, ids: Iterator[int]) -> Queue:
        declared = self._topology.queues.get(state.name)
        limit = declared.delivery_limit if declared else None
        return Queue(state, self._storage, ids, delivery_limit=limit, delay=_delay(state.name))

    @property
    def declared(self) -> dict[str, Log | Queue]:
        """What the default exchange leads to."""
        names = (*log_names(self._topology), *queue_names(self._topology))
        return {name: self.logs.get(name) or self.queues[name] for name in names}

    @property
    def rungs(self) -> dict[str, Queue]:
        """The delay queues, those of earlier runs included."""
        return {name: queue for name, queue in self.queues.items() if queue.delay}

    def declared_logs(self) -> Iterator[tuple[Log, DeclaredLog]]:
        """Every declared log, partitions too, with its declaration."""
        for declared in self._topology.logs.values():
            for name in dict.fromkeys((declared.name, *declared.partition_names)):
                yield self.logs[name], declared

    def log(self, name: str) -> Log:
        """The log of that name. Raises NoSuchTarget."""
        if name not in self.logs:
            raise NoSuchTarget(f"there is no log {name!r}{nearest(name, self.logs)}: declare it, and restart")
        return self.logs[name]

    def queue(self, name: str) -> Queue:
        """The queue of that name. Raises NoSuchTarget."""
        if name not in self.queues:
            raise NoSuchTarget(f"there is no queue {name!r}{nearest(name, self.queues)}: declare it, and restart")
        return self.queues[name]


def log_names(topology: Topology) -> list[str]:
    """The names of all declared logs and their partitions."""
    return list(dict.fromkeys(name for log in topology.logs.values() for name in (log.name, *log.partition_names)))


def queue_names(topology: Topology) -> list[str]:
    """The names of all declared queues, and of the delay queues that they use."""
    return [*topology.queues, *sorted(RETRY_PREFIX + rung for rung in topology.retry_delays())]


def _delay(name: str) -> int:
    """Milliseconds, for delay queues; else 0."""
    if not name.startswith(RETRY_PREFIX):
        return 0
    try:
        return parse_duration(name.removeprefix(RETRY_PREFIX)) // timedelta(milliseconds=1)
    except TopologyError:
        return 0
