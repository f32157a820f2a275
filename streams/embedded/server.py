"""A complete broker in this process, kept in memory or in one file."""

import asyncio
from pathlib import Path

from streams.broker import Broker, Capabilities, Health
from streams.embedded.clock import Clock, system_clock
from streams.embedded.connection import Connection
from streams.embedded.core import Core, open_core
from streams.embedded.faults import Faults
from streams.embedded.file import FileStorage
from streams.embedded.journal import Entry
from streams.embedded.memory import MemoryStorage
from streams.embedded.publication import MAX_BYTES
from streams.embedded.storage import Storage
from streams.errors import BrokerUnavailable, ConsumerCancelled
from topology.spec import Topology

_DOWN = "the embedded broker is down: wait until it comes back"
_CLOSED = "the embedded broker was closed: make a new one"


class Embedded:
    """The server that many users share. It opens when one of them first uses it, on that one's event loop.

    Without `file` it lives in memory. With it, one process at a time has it; a confirmed message, and the counts of
    deliveries, survive SIGKILL and power loss. `max_file_bytes` limits the file (not its write-ahead log), and
    publishing is refused beyond it; room that becomes free is used again, but the file does not shrink.
    Logs and queues that the topology no longer declares are kept and can be read, but nothing is routed to them.

    `clock` gives milliseconds since 1970; waiting is done by the event loop's timers alone, so that a loop with a
    virtual clock runs it (in memory). Permissions are not checked: every user of this process is trusted.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        file: Path | None = None,
        max_file_bytes: int | None = None,
        clock: Clock = system_clock,
        faults: Faults | None = None,
    ) -> None:
        self._topology = topology
        self._storage: Storage = FileStorage(file, max_file_bytes) if file is not None else MemoryStorage()
        self._clock = clock
        self._faults = faults
        self._core: Core | None = None
        self._opening = asyncio.Lock()
        self._down = False
        self._closed = False
        self._problem = "the embedded broker is not open: use it to open it"

    def connect(self, user: str) -> Broker:
        """The broker as this user has it: its name is stamped on what it publishes."""
        capabilities = Capabilities("embedded", durable=self._storage.durable, max_message_bytes=MAX_BYTES)
        return Connection(user, capabilities, self._opened, self._health)

    async def close(self) -> None:
        """Commit what waits, end all readers, give up the file. It cannot be opened again."""
        async with self._opening:
            self._closed = True
            core, self._core = self._core, None
            if core is not None:
                core.end(BrokerUnavailable(_CLOSED))
                await core.close()

    def go_down(self) -> None:
        """Break all connections, and take no new ones. What is being published is LOST to its users, kept or not."""
        self._down = True
        if self._core is not None:
            self._core.outages += 1
            self._core.end(BrokerUnavailable(_DOWN))

    def come_back(self) -> None:
        """Take connections again."""
        self._down = False

    def cut(self, target: str) -> None:
        """Break the connections of the readers of a log or queue."""
        if self._core is not None:
            self._core.end(BrokerUnavailable(f"the connection to {target!r} was cut: read again"), target)

    def cancel(self, queue: str) -> None:
        """Cancel the consumers of a queue."""
        if self._core is not None:
            self._core.end(ConsumerCancelled(), queue)

    async def truncate(self, log: str, offset: int) -> None:
        """Drop the chunks of a log that lie wholly before an offset (the newest chunk stays). Raises NoSuchTarget."""
        core = await self._opened()
        target = core.targets.log(log)
        while heads := [head for head in await target.oldest() if head.last < offset]:
            await core.journal.write(Entry(truncated=[(target, heads)]))

    async def _opened(self) -> Core:
        if self._down:
            raise BrokerUnavailable(_DOWN)
        async with self._opening:
            if self._closed:
                raise BrokerUnavailable(_CLOSED)
            if self._core is None:
                self._core = await self._open()
            return self._core

    async def _open(self) -> Core:
        try:
            return await open_core(self._topology, self._storage, self._clock, self._faults)
        except BrokerUnavailable as problem:
            self._problem = str(problem)
            raise

    def _health(self) -> Health:
        if self._down or self._core is None:
            return Health("down", (_DOWN if self._down else self._problem,))
        problems = tuple(self._core.problems)
        if self._core.journal.problem is None:
            return Health("connected", problems)
        return Health("blocked" if self._core.journal.full else "down", problems)
