"""Workers of the subject as processes, each behind a network of its own."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from tests.prove.network import Network, network
from tests.prove.place import Place
from tests.prove.spring import CUT_DONE, Way
from tests.prove.worker import Configuration
from tests.replay.command import neutral
from tests.servers.guard import Guard

PATIENCE: Final = 180.0
"""Seconds to wait for what has to come."""


class Saying(msgspec.Struct):
    """A line that a worker writes."""

    worker: str = ""
    reached: str = ""
    sizes: Mapping[str, int] = {}
    states: Mapping[str, str] = {}


class Member:
    """One worker's process."""

    def __init__(self, process: asyncio.subprocess.Process, net: Network, way: Way) -> None:
        self._process = process
        self._way = way
        self.net = net
        self.began = time.monotonic()
        self.id = ""
        """The worker's name in the store; "" until it has begun."""
        self.has_begun = asyncio.Event()
        """Set when it is at work, with an id."""
        self.reached = asyncio.Event()
        """Set when the trap has sprung, and the network is cut where that is its way."""
        self.sizes: list[tuple[float, Mapping[str, int]]] = []
        """What it held, every second: seconds of `time.monotonic`, what -> how much."""
        self.states: Mapping[str, str] = {}
        self.errors = ""
        self._reading = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            saying = msgspec.json.decode(line, type=Saying)
            if saying.worker:
                self.id = saying.worker
                self.has_begun.set()
            if saying.sizes:
                self.sizes.append((time.monotonic(), saying.sizes))
                self.states = saying.states
            if saying.reached:
                await self._sprung()

    async def _sprung(self) -> None:
        if self._way == "cut":
            await self.net.outage()
            self.signal(CUT_DONE)
        self.reached.set()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.errors = (self.errors + line.decode())[-20_000:]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, where it still runs."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its process's number."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def ends(self) -> int:
        """Wait for its end; its exit status."""
        async with asyncio.timeout(PATIENCE):
            status = await self._process.wait()
            await asyncio.gather(*self._reading)
        return status

    async def stop(self) -> None:
        """SIGTERM; it has to end in good order."""
        self.signal(signal.SIGTERM)
        status = await self.ends()
        assert status == 0, f"a worker ended with status {status}:\n{self.errors}"

    async def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        await self.ends()


class Crew:
    """Starts workers at one place."""

    def __init__(self, place: Place, guard: Guard) -> None:
        self._place = place
        self._guard = guard
        self.members: list[Member] = []
        """All there ever were."""

    @asynccontextmanager
    async def member(self, point: str = "", way: Way = "kill", nth: int = 1) -> AsyncIterator[Member]:
        """A worker, killed at the end where it still runs."""
        async with network(self._place.rabbitmq, self._place.postgres) as net:
            member = Member(await self._start(net, point, way, nth), net, way)
            self.members.append(member)
            self._guard.watch_process(member.pid, signal.SIGKILL)
            try:
                yield member
            finally:
                await member.kill()
                self._guard.forget_process(member.pid, signal.SIGKILL)

    def errors(self) -> str:
        """What its members have written, for a report."""
        return "\n".join(f"--- worker {m.id}: {m.states}\n{m.errors}" for m in self.members)

    async def _start(self, net: Network, point: str, way: Way, nth: int) -> asyncio.subprocess.Process:
        rabbitmq = net.rabbitmq(self._place.rabbitmq)
        configuration = Configuration(
            # What a stopped worker has in its hands is to come back as fast as its slots do.
            amqp=f"{rabbitmq.amqp}?heartbeat=1",
            stream=rabbitmq.stream,
            management=rabbitmq.management,
            postgres=net.postgres(self._place.postgres),
            schema=self._place.schema,
            point=point,
            way=way,
            nth=nth,
        )
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.prove.worker",
            msgspec.json.encode(configuration).decode(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=neutral(),
            start_new_session=True,
        )
