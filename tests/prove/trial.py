"""One trial: a worker is struck at one point in one way, others carry on, and the checker looks at what has become."""

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import Final

from tests.prove.crew import PATIENCE, Crew, Member
from tests.prove.feeder import Feeder
from tests.prove.place import Place
from tests.prove.points import AFTER_A_CRASH, AT_STOP, LATER
from tests.prove.spring import Way
from tests.prove.verdict import Verdict
from tests.servers.guard import Guard

_BATCHES: Final = 10
_PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """Where and how a worker is struck."""

    point: str
    way: Way

    def __str__(self) -> str:
        return f"{self.point}-{self.way}"

    async def run(self, place: Place, guard: Guard) -> Verdict:
        """Raises AssertionError where something does not come to pass in time."""
        crew, feeder = Crew(place, guard), Feeder(place.rabbitmq, place.ledger)
        try:
            if self.point in AFTER_A_CRASH:
                async with crew.member("commit.after", "kill") as first:
                    await feeder.feed(1)
                    await reached(first)
            async with crew.member(self.point, self.way, LATER.get(self.point, 1)) as victim:
                await feeder.feed(_BATCHES, pause=_PAUSE)
                await self._strike(victim, crew, feeder, place)
        except (AssertionError, TimeoutError) as failure:
            raise AssertionError(f"{failure!r}\n{crew.errors()}") from failure
        finally:
            await feeder.close()
        return await place.judged()

    async def _strike(self, victim: Member, crew: Crew, feeder: Feeder, place: Place) -> None:
        if self.point in AT_STOP:
            await all_counted(place, feeder)
            victim.signal(signal.SIGTERM)
        await reached(victim)
        if self.way in ("cut", "raise") and self.point not in AT_STOP:
            await _goes_on(feeder, place)
            await victim.stop()
            return
        async with crew.member() as successor:
            await _goes_on(feeder, place)
            if self.way == "stop":
                victim.signal(signal.SIGCONT)
                await _goes_on(feeder, place)
            if self.way != "kill":
                await victim.stop()
            await successor.stop()


async def _goes_on(feeder: Feeder, place: Place) -> None:
    await feeder.feed(_BATCHES, pause=_PAUSE)
    await all_counted(place, feeder)


async def reached(member: Member) -> None:
    """Wait until its trap has sprung."""
    async with asyncio.timeout(PATIENCE):
        springing = asyncio.create_task(member.reached.wait())
        ending = asyncio.create_task(member.ends())
        await asyncio.wait((springing, ending), return_when=asyncio.FIRST_COMPLETED)
        assert member.reached.is_set(), f"the worker ended before its trap sprang:\n{member.errors}"
        springing.cancel()
        ending.cancel()


async def all_counted(place: Place, feeder: Feeder, within: float = PATIENCE) -> None:
    """Wait until everything that was put in is counted at least once."""
    deadline = time.monotonic() + within
    wanted = (feeder.entries, feeder.entries, 2 * feeder.told, feeder.entries - feeder.told)
    while True:
        counted = await place.counted()
        if all(have >= want for have, want in zip(counted, wanted, strict=True)):
            return
        assert time.monotonic() < deadline, f"after {within} s {counted} are counted of {wanted}"
        await asyncio.sleep(0.1)
