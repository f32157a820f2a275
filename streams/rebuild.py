"""Rebuilding: an agent's tables are made again from its log beside those that are there, compared, and put in place.

Nothing is sent, and what is there stays until the swap, which is one commit.
"""

from dataclasses import dataclass, replace

from stores.port import Checkpoint, Encoded, Reset, Slot
from streams.agent import Agent
from streams.app import App
from streams.broker import Extent
from streams.custody import custody
from streams.delivery import deliver
from streams.errand import Stuck, serve_up_to
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
        """Make the tables again and compare; with `swap` put them in place. Raises AtWork, NotThere, NotRebuilt."""
        around, store = self.around, self.around.store
        async with custody(self.slot, store, around.worker, around.lease) as live:
            await self._check(live)
            # It stays the slot's outbox after the swap.
            await deliver(around.broker, unpack(live.outbox), lambda _: None, around.jitter)
            shadow = Shadow(store)
            await shadow.apply([self.app.tables[name].spec for name in self._tables])
            async with custody(self.slot, shadow, f"{around.worker}-shadow", around.lease) as checkpoint:
                start = await self._emptied(shadow, checkpoint)
                agent = await self._rehearsed(shadow, start, live.position)
                found = tuple([await self._difference(shadow, name) for name in self._tables])
                if not swap:
                    await self._emptied(shadow, checkpoint)
            if swap:
                pairs = {name: shadow_of(name) for name in self._tables}
                own = Slot(shadow_of(self.slot.agent), self.slot.partition)
                await store.swap(self.slot, live.epoch, own, pairs)
            status = agent.status
            return Rebuilt(self.slot, live.position, status.handled, status.dead, found, swap)

    @property
    def _tables(self) -> list[str]:
        return tables_of(self.agent, self.app)

    async def _check(self, live: Checkpoint) -> None:
        """Raises NotThere where the log can make no more of what it made."""
        places = Places(self.around.broker, self.source.stream)
        if live.position < 0:
            raise NotRebuilt(f"agent {self.slot} has read nothing yet: there is nothing to rebuild")
        extent = await places.extent()
        if extent.first > 0:
            raise NotThere(_expired(places.stream, extent))
        if await places.knows(live) != "same":
            raise NotThere(
                f"log {places.stream!r} is not the one that agent {self.slot} has read: it was made anew or restored. "
                "`warren agents reset` begins anew"
            )

    async def _emptied(self, shadow: Shadow, checkpoint: Checkpoint) -> Checkpoint:
        reset = Reset(self.slot, checkpoint.epoch, self._tables, -1, b"", -1)
        await shadow.reset(reset)
        return Checkpoint(self.slot, checkpoint.epoch, checkpoint.birth)

    async def _rehearsed(self, shadow: Shadow, checkpoint: Checkpoint, end: int) -> LogAgent:
        """Run the agent over its log up to `end`. Raises NotRebuilt where it cannot."""
        around = replace(self.around, store=shadow, broker=Rehearsal(self.around.broker, end))
        tables = [self.app.tables[name] for name in self._tables]
        agent = LogAgent(self.agent, self.source, tables, around)
        try:
            await serve_up_to(agent, checkpoint, end)
        except Stuck as error:
            raise NotRebuilt(str(error)) from error
        return agent

    async def _difference(self, shadow: Shadow, table: str) -> Difference:
        present = await self.around.store.scan(table, self.slot.partition)
        rebuilt = await shadow.scan(table, self.slot.partition)
        return difference(table, present, rebuilt)


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
