"""What is done to a running service and its servers. Each strike returns when everything moves again."""

import asyncio
import random
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

from tests.prove.crew import Crew, Member
from tests.prove.feeder import Feeder
from tests.prove.place import Place
from tests.prove.recovery import LONGEST, MOVING, moves_again, slots
from tests.servers.server import PostgresServer, RabbitMQServer, Server

Strike = Callable[[], Awaitable[None]]

_HOLD_SECONDS: Final = 3.0
_FROZEN_SECONDS: Final = 4.0


class Strikes:
    """On one service with several workers. The first of them, the elder, is never killed, to see what grows in it."""

    def __init__(
        self, place: Place, crew: Crew, feeder: Feeder, rabbitmq: RabbitMQServer, postgres: PostgresServer, seed: int
    ) -> None:
        self._place = place
        self._crew = crew
        self._feeder = feeder
        self._rabbitmq = rabbitmq
        self._postgres = postgres
        self._random = random.Random(seed)
        self._members: dict[Member, AsyncExitStack] = {}
        self.seconds: dict[str, list[float]] = defaultdict(list)
        """Until everything moved again, by strike; of workers, until what they owned did."""

    @property
    def kinds(self) -> Mapping[str, Strike]:
        """By their names."""
        return {
            "worker killed": self.kill_worker,
            "worker frozen": self.freeze_worker,
            "network cut": self.cut,
            "broker killed": self.kill_broker,
            "database killed": self.kill_database,
            "database restarted": self.restart_database,
            "memory alarm": self.memory_alarm,
            "disk alarm": self.disk_alarm,
        }

    async def start_worker(self) -> None:
        """One more; waits until it is at work, which it is only while the servers are up."""
        stack = AsyncExitStack()
        member = await stack.enter_async_context(self._crew.member())
        self._members[member] = stack
        async with asyncio.timeout(LONGEST):
            await member.has_begun.wait()

    async def stop_workers(self) -> None:
        """All of them, in good order."""
        for member, stack in list(self._members.items()):
            async with stack:
                await member.stop()
            del self._members[member]

    async def abandon(self) -> None:
        """Kill those that still run."""
        for stack in self._members.values():
            await stack.aclose()

    # --- workers ---

    async def kill_worker(self) -> None:
        """One that owns something, never the elder; another one is started at once."""
        victim = await self._owner(list(self._members)[1:])
        began = time.monotonic()
        await victim.kill()
        await self._members.pop(victim).aclose()
        starting = asyncio.create_task(self.start_worker())
        await self._orphans_move("worker killed", victim, began)
        await starting

    async def freeze_worker(self) -> None:
        """Beyond its lease; then it wakes up and has to find out."""
        victim = await self._owner(list(self._members))
        began = time.monotonic()
        victim.signal(signal.SIGSTOP)
        try:
            await self._orphans_move("worker frozen", victim, began)
            await asyncio.sleep(_FROZEN_SECONDS)
        finally:
            victim.signal(signal.SIGCONT)

    async def cut(self) -> None:
        """All connections of one worker."""
        victim = await self._owner(list(self._members))
        victim.net.cut()
        before = await slots(self._place)
        await asyncio.sleep(self._random.choice((0.0, 0.3, 1.5)))
        victim.net.mend()
        self.seconds["network cut"].append(await moves_again(self._place, before, MOVING))

    async def _orphans_move(self, name: str, victim: Member, began: float) -> None:
        """Those that the victim owned when it was struck."""
        before = await slots(self._place)
        orphans = [agent for agent in MOVING if before[agent][0] == victim.id]
        if orphans:  # else somebody was faster than this look
            self.seconds[name].append(await moves_again(self._place, before, orphans, since=began))

    async def _owner(self, members: Sequence[Member]) -> Member:
        """One of these that owns something that moves."""
        deadline = time.monotonic() + LONGEST
        while True:
            owners = {owner for owner, _ in (await slots(self._place)).values()}
            if chosen := [member for member in members if member.id in owners]:
                return self._random.choice(chosen)
            assert time.monotonic() < deadline, f"none of {[m.id for m in members]} owns anything: {owners}"
            await asyncio.sleep(0.05)

    # --- servers ---

    async def kill_broker(self) -> None:
        """SIGKILL, and started again at once."""
        await self._struck("broker killed", self._rabbitmq, self._rabbitmq.kill)

    async def kill_database(self) -> None:
        """SIGKILL, and started again at once."""
        await self._struck("database killed", self._postgres, self._postgres.kill)

    async def restart_database(self) -> None:
        """In good order."""
        await self._struck("database restarted", self._postgres, self._postgres.stop)

    async def _struck(self, name: str, server: Server, end: Callable[[], None]) -> None:
        """Counts from the strike, and from when the server takes connections again."""
        began = time.monotonic()
        await asyncio.to_thread(end)
        await asyncio.to_thread(server.start)
        there = time.monotonic()
        await moves_again(self._place, await slots(self._place), MOVING)
        self.seconds[name].append(time.monotonic() - began)
        self.seconds[f"{name}: from when it takes connections"].append(time.monotonic() - there)

    async def memory_alarm(self) -> None:
        """RabbitMQ blocks who publishes."""
        await self._alarm("memory alarm", "set_vm_memory_high_watermark", "0.00001", "0.4")

    async def disk_alarm(self) -> None:
        """The same for its disk."""
        await self._alarm("disk alarm", "set_disk_free_limit", "900000GB", "50MB")

    async def _alarm(self, name: str, setting: str, bad: str, good: str) -> None:
        await asyncio.to_thread(self._rabbitmq.control, setting, bad)
        try:
            deadline = time.monotonic() + LONGEST
            while not self._feeder.blocked:
                assert time.monotonic() < deadline, f"the {name} blocks nobody"
                await asyncio.sleep(0.05)
            await asyncio.sleep(_HOLD_SECONDS)
        finally:
            await asyncio.to_thread(self._rabbitmq.control, setting, good)
        self.seconds[name].append(await moves_again(self._place, await slots(self._place), MOVING))
