"""Rebuilding: an agent's tables are made again from its log beside those that are there, compared, and put in place.

Nothing is sent, and what is there stays until the swap, which is one commit. The agent may be at work: its shadow reads
the log up to where it is, again and again; only for the last stretch the tool has the slot.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from stores.port import Checkpoint, Encoded, Reset, Slot
from streams.agent import Agent
from streams.app import App
from streams.broker import Extent
from streams.custody import AtWork, custody
from streams.delivery import deliver
from streams.errand import Errand, Stuck, errand
from streams.errors import StreamsError
from streams.graph import tables_of
from streams.log_agent import LogAgent
from streams.outbox import unpack
from streams.places import Places
from streams.rehearsal import Rehearsal
from streams.rewind import NotThere
from streams.shadow import Shadow, shadow_of
from streams.source import Source
from streams.surroundings import Surroundings

NEAR = 2.0
"""Seconds of work that the shadow may be behind when the tool takes the slot."""


class NotRebuilt(StreamsError):
    """The agent cannot be rebuilt; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one table would be, beside what it is."""

    table: str
    same: int
    missing: tuple[str, ...]
    """Keys that the rebuilt table has and the present one lacks."""
    extra: tuple[str, ...]
    """Keys that only the present one has."""
    changed: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows differ."""
        return len(self.missing) + len(self.extra) + len(self.changed)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found on one partition."""

    slot: Slot
    position: int
    events: int
    dead: int
    """Events that are dead letters now."""
    differences: tuple[Difference, ...]
    swapped: bool


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The tool for one partition of an agent."""

    app: App
    agent: Agent
    source: Source
    around: Surroundings
    """Its worker's name is the tool's."""

    @property
    def slot(self) -> Slot:
        """The slot that is rebuilt."""
        return Slot(self.agent.name, self.source.partition)

    async def run(self, *, swap: bool) -> Rebuilt:
        """Make the tables again and compare; with `swap` put them in place. Raises NotThere, NotRebuilt.

        A worker that has the agent goes on until the shadow has come near, waits for the rest, and goes on then.
        """
        shadow, rehearsal = Shadow(self.around.store), Rehearsal(self.around.broker)
        await self._check(await self._position())
        await shadow.apply([self.app.tables[name].spec for name in self._tables])
        async with self._shadowed(shadow) as checkpoint:
            agent = self._rehearsing(shadow, rehearsal)
            async with errand(agent, await self._emptied(shadow, checkpoint)) as shadowing:
                try:
                    await self._approach(shadowing, rehearsal)
                    rebuilt = await self._end(shadowing, rehearsal, shadow, swap=swap)
                except Stuck as error:
                    raise NotRebuilt(str(error)) from error
            if not swap:
                await self._emptied(shadow, checkpoint)
        return rebuilt

    async def _end(self, shadowing: Errand, rehearsal: Rehearsal, shadow: Shadow, *, swap: bool) -> Rebuilt:
        """With the slot in hand: the rest of the way, and what is to be done there."""
        around, store = self.around, self.around.store
        async with custody(self.slot, store, around.worker, around.lease, seize=True) as live:
            await self._recognise(live)
            # It stays the slot's outbox after the swap.
            await deliver(around.broker, unpack(live.outbox), lambda _: None, around.jitter)
            await _go_to(live.position, shadowing, rehearsal)
            await shadowing.finish()
            found = tuple([await self._difference(shadow, name) for name in self._tables])
            if swap:
                pairs = {name: shadow_of(name) for name in self._tables}
                own = Slot(shadow_of(self.slot.agent), self.slot.partition)
                await store.swap(self.slot, live.epoch, own, pairs)
            status = shadowing.status
            return Rebuilt(self.slot, live.position, status.handled, status.dead, found, swap)

    async def _approach(self, shadowing: Errand, rehearsal: Rehearsal) -> None:
        """Follow the agent at work, until a stretch is short, or no shorter than the one before: it comes no nearer."""
        clock = asyncio.get_running_loop().time
        before = math.inf
        while True:
            began = clock()
            await _go_to(await self._position(), shadowing, rehearsal)
            took = clock() - began
            if took < NEAR or took > before / 2:
                return
            before = took

    @asynccontextmanager
    async def _shadowed(self, shadow: Shadow) -> AsyncIterator[Checkpoint]:
        around = self.around
        try:
            async with custody(self.slot, shadow, f"{around.worker}-shadow", around.lease) as checkpoint:
                yield checkpoint
        except AtWork as error:
            raise NotRebuilt(
                f"agent {self.slot} is being rebuilt already: wait for that, or, where it was killed, for the lease "
                f"of {around.lease:g} s"
            ) from error

    @property
    def _tables(self) -> list[str]:
        return tables_of(self.agent, self.app)

    async def _position(self) -> int:
        """Where the agent is. Raises NotRebuilt where it has never been anywhere."""
        for standing in await self.around.store.standings():
            if standing.slot == self.slot and standing.position >= 0:
                return standing.position
        raise NotRebuilt(f"agent {self.slot} has read nothing yet: there is nothing to rebuild")

    async def _check(self, position: int) -> None:
        """Raises NotThere where the log can make no more of what it made."""
        places = Places(self.around.broker, self.source.stream)
        extent = await places.extent()
        if extent.first > 0:
            raise NotThere(_expired(places.stream, extent))
        if extent.last < position:
            raise NotThere(_other(places.stream, self.slot))

    async def _recognise(self, live: Checkpoint) -> None:
        """Raises NotThere where the log is not the one that the agent has read."""
        places = Places(self.around.broker, self.source.stream)
        if await places.knows(live) == "other":
            raise NotThere(_other(places.stream, self.slot))

    async def _emptied(self, shadow: Shadow, checkpoint: Checkpoint) -> Checkpoint:
        reset = Reset(self.slot, checkpoint.epoch, self._tables, -1, b"", -1)
        await shadow.reset(reset)
        return Checkpoint(self.slot, checkpoint.epoch, checkpoint.birth)

    def _rehearsing(self, shadow: Shadow, rehearsal: Rehearsal) -> LogAgent:
        around = replace(self.around, store=shadow, broker=rehearsal)
        return LogAgent(self.agent, self.source, [self.app.tables[name] for name in self._tables], around)

    async def _difference(self, shadow: Shadow, table: str) -> Difference:
        present = await self.around.store.scan(table, self.slot.partition)
        rebuilt = await shadow.scan(table, self.slot.partition)
        return difference(table, present, rebuilt)


async def _go_to(offset: int, shadowing: Errand, rehearsal: Rehearsal) -> None:
    rehearsal.give_up_to(offset)
    await shadowing.comes_to(offset)


def difference(table: str, present: dict[str, Encoded], rebuilt: dict[str, Encoded]) -> Difference:
    """How two tables differ."""
    changed = tuple(sorted(key for key in present.keys() & rebuilt.keys() if present[key] != rebuilt[key]))
    same = len(present.keys() & rebuilt.keys()) - len(changed)
    missing, extra = rebuilt.keys() - present.keys(), present.keys() - rebuilt.keys()
    return Difference(table, same, tuple(sorted(missing)), tuple(sorted(extra)), changed)


def _expired(stream: str, extent: Extent) -> str:
    return (
        f"the beginning of log {stream!r} is no longer kept: it begins at offset {extent.first}, and what was made "
        "from the events before cannot be made again. Keep the tables as they are"
    )


def _other(stream: str, slot: Slot) -> str:
    return (
        f"log {stream!r} is not the one that agent {slot} has read: it was made anew or restored. "
        "`warren agents reset` begins anew"
    )
