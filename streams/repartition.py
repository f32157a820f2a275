"""A new number of partitions for a log that stands: what its agents keep is moved, and they go on where they were.

The partitions of each edition are streams of their own. The forwarder of the edition before is ended at an offset of
the intake; its readers read their partitions to the end; then all that each of them keeps (rows, due times, dead
letters) is moved to the partition of its key in one commit; and the new edition's forwarder fills the new partitions
from the intake's beginning. What readers have counted they know by the forwarder's numbers. A tool that breaks off is
run again: nobody goes on in between.
"""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any

from stores.port import Checkpoint, Commit, Reset, Slot
from streams.agent import Agent
from streams.app import App
from streams.custody import AtWork, custody
from streams.division import Kept, Moves, divided
from streams.editions import forwarder_lane, forwarder_name
from streams.errand import serve_up_to
from streams.errors import NotDecodable, StreamsError
from streams.forwarding import key_finder
from streams.graph import tables_of
from streams.lanes import FOR_GOOD, Lanes
from streams.log_agent import LogAgent
from streams.outbox import INDEX_BITS
from streams.places import Places
from streams.source import Source, partition_of, sources
from streams.surroundings import Surroundings
from streams.table import Table
from topology.spec import Log

EVERYTHING = (1 << 31) - 1
"""More due times than there can be."""


class NotMoved(StreamsError):
    """The log cannot be given its new number of partitions as things stand."""


@dataclass(frozen=True, slots=True)
class Reader:
    """An agent that reads the log, of whichever service."""

    app: App
    agent: Agent
    around: Surroundings
    """Its worker's name is the tool's."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved of one agent."""

    agent: str
    position: int
    """The offset of the intake up to which it has come; -1 where it had read nothing."""
    rows: int = 0
    due: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """What was done. With nothing to be done, `readers` is empty and `before` is the present number."""

    before: int
    position: int
    """The offset of the intake up to which the edition before was forwarded; -1 where there was none."""
    readers: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class _Before:
    """The log as it was before."""

    log: Log
    position: int
    """Up to where it was forwarded; -1 where it had one partition, and nobody forwarded it."""
    lane: str

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(sources(self.log))


@dataclass(frozen=True, slots=True)
class Repartition:
    """The tool for one log."""

    log: Log
    """As it is to be."""
    readers: Sequence[Reader]
    around: Surroundings
    """Of the log's service."""
    service: str
    ids: random.Random

    async def run(self) -> Repartitioned:
        """Move all that its readers keep. Raises AtWork, NotMoved, NotDivided, Stuck; run it again then."""
        if self.log.partitions == 1 or self.log.edition == 1:
            raise NotMoved(
                f"log {self.log.name!r} is in its first edition, with {self.log.partitions} partitions: to give it "
                "another number, set `partitions:` and say `edition: 2` beside it"
            )
        async with AsyncExitStack() as stack:
            checkpoint = await self._custody(stack, forwarder_name(self.log), 0, self.around)
            if checkpoint.watermark == self.log.partitions:
                return Repartitioned(self.log.partitions, checkpoint.position, ())
            before = await self._end_edition_before(stack)
            lane = forwarder_lane(self.service, checkpoint.slot, checkpoint.birth)
            moved = tuple([await self._move(reader, before, lane, stack) for reader in self.readers])
            told = before.position if before.lane else min((m.position for m in moved if m.position >= 0), default=-1)
            await self._begin(checkpoint, told)
            return Repartitioned(before.log.partitions, before.position, moved)

    async def _custody(self, stack: AsyncExitStack, agent: str, partition: int, around: Surroundings) -> Checkpoint:
        return await stack.enter_async_context(
            custody(Slot(agent, partition), around.store, around.worker, around.lease)
        )

    # --- the forwarders ---

    async def _end_edition_before(self, stack: AsyncExitStack) -> _Before:
        """From here on nobody forwards to it."""
        known = {standing.slot for standing in await self.around.store.standings() if standing.position >= 0}
        for edition in range(self.log.edition - 1, 0, -1):
            log = replace(self.log, edition=edition)
            if Slot(forwarder_name(log)) not in known:
                continue
            checkpoint = await self._custody(stack, forwarder_name(log), 0, self.around)
            number = abs(checkpoint.watermark)
            if checkpoint.watermark < 0 and edition < self.log.edition - 1:
                raise NotMoved(
                    f"log {log.name!r} was being moved from edition {edition} to the next one: say `edition: "
                    f"{edition + 1}` and the number of partitions it had, let this come to its end, then go on"
                )
            if checkpoint.watermark > 0:
                await self.around.store.commit(_as_it_is(checkpoint, watermark=-number))
            lane = forwarder_lane(self.service, checkpoint.slot, checkpoint.birth)
            return _Before(replace(log, partitions=number), checkpoint.position, lane)
        return _Before(replace(self.log, partitions=1, edition=1), -1, "")

    async def _begin(self, checkpoint: Checkpoint, quiet: int) -> None:
        """From here on the log is forwarded to its new partitions. What is dead up to `quiet` was told."""
        reset = Reset(checkpoint.slot, checkpoint.epoch, (), -1, b"", quiet)
        await self.around.store.reset(reset)
        empty = Checkpoint(checkpoint.slot, checkpoint.epoch, checkpoint.birth)
        await self.around.store.commit(_as_it_is(empty, watermark=self.log.partitions))

    # --- a reader ---

    async def _move(self, reader: Reader, before: _Before, lane: str, stack: AsyncExitStack) -> Moved:
        """Move what a reader keeps, in one commit."""
        name, store = reader.agent.name, reader.around.store
        slots = range(max(before.log.partitions, self.log.partitions))
        checkpoints = [await self._custody(stack, name, partition, reader.around) for partition in slots]
        own = checkpoints[: before.log.partitions]
        counted = Lanes(own[0].seen).floor(lane)
        if counted >= 0:  # it was moved before the tool broke off
            await store.commit_together([self._begun(c, Moves(), c.seen, c.watermark) for c in checkpoints])
            return Moved(name, (counted >> INDEX_BITS) - 1)
        if all(checkpoint.position < 0 for checkpoint in own):
            return Moved(name, -1)  # it begins with the new partitions
        for source, checkpoint in zip(before.sources, own, strict=True):
            await self._serve(reader, source, checkpoint)
        position = before.position if before.lane else own[0].position
        kept = [await self._kept(reader, checkpoint) for checkpoint in own]
        partitions = await self._partitions_of(kept, reader.around)
        moves = divided(kept, self._tables(reader), self.log.partitions, partitions)
        seen = _seen(kept, before.lane, lane, position)
        watermark = min(checkpoint.watermark for checkpoint in own if checkpoint.position >= 0)
        commits = [self._begun(c, m, seen, watermark) for c, m in zip(checkpoints, moves, strict=True)]
        await store.commit_together(commits)
        return _told(name, position, moves)

    def _tables(self, reader: Reader) -> list[Table[Any]]:
        return [reader.app.tables[name] for name in tables_of(reader.agent, reader.app)]

    async def _serve(self, reader: Reader, source: Source, checkpoint: Checkpoint) -> None:
        """Let it read its partition to the end, and send what it has to; then read again what it has come to."""
        around, position = reader.around, checkpoint.position
        end = (await Places(around.broker, source.stream).extent()).last if source.forwarded else position
        agent = LogAgent(reader.agent, source, self._tables(reader), around)
        await serve_up_to(agent, replace(checkpoint), end)
        again = await around.store.acquire(checkpoint.slot, around.worker, around.lease)
        if again is None:
            raise AtWork(f"agent {checkpoint.slot} was taken by a worker: stop it first, and try again")
        for name in Checkpoint.__slots__:
            setattr(checkpoint, name, getattr(again, name))
        if checkpoint.quiet > checkpoint.position:
            raise NotMoved(
                f"agent {checkpoint.slot} is making its past again, up to offset {checkpoint.quiet}: set the number of "
                "partitions back, let it come to there, and try again"
            )

    async def _kept(self, reader: Reader, checkpoint: Checkpoint) -> Kept:
        store, slot = reader.around.store, checkpoint.slot
        rows = {t.name: await store.scan(t.name, slot.partition) for t in self._tables(reader)}
        due, dead = await store.due(slot, FOR_GOOD, EVERYTHING), await store.dead(slot, None)
        return Kept(checkpoint, rows, due, frozenset(dead))

    async def _partitions_of(self, kept: Sequence[Kept], around: Surroundings) -> dict[int, Sequence[int]]:
        """The partitions of dead letters: of each event's key, or all of them where the intake has it no more. A replay
        comes to one of them alone."""
        intake, find = Places(around.broker, self.log.name), key_finder(self.log)
        found: dict[int, Sequence[int]] = {}
        for offset in {offset for slot in kept for offset in slot.dead}:
            envelope = await intake.envelope(offset)
            found[offset] = range(self.log.partitions)
            if envelope is not None:
                with suppress(NotDecodable):
                    key = envelope.key if envelope.schedule else find(envelope)
                    found[offset] = (partition_of(key, self.log.partitions),)
        return found

    def _begun(self, checkpoint: Checkpoint, moves: Moves, seen: bytes, watermark: int) -> Commit:
        """At the beginning of its new partition, with all of it that was counted known."""
        return Commit(
            checkpoint.slot,
            checkpoint.epoch,
            position=-1,
            anchor=b"",
            seen=seen,
            watermark=watermark,
            rows={table: list(rows.items()) for table, rows in moves.rows.items()},
            forget_ids_to=FOR_GOOD,
            due=moves.due,
            dead=sorted(moves.dead),
            revived=sorted(moves.revived),
            birth=f"{self.ids.getrandbits(48):012x}",
        )


def _as_it_is(checkpoint: Checkpoint, *, watermark: int) -> Commit:
    """A forwarder's checkpoint with another number of partitions, which it keeps as its watermark."""
    return Commit(checkpoint.slot, checkpoint.epoch, checkpoint.position, checkpoint.anchor, checkpoint.seen, watermark)


def _seen(kept: Sequence[Kept], before: str, lane: str, position: int) -> bytes:
    """What readers know of the new forwarder's numbers: they are offsets of the intake, as the earlier one's were.

    Beyond `position` some may have been counted too: what a forwarder had published and not committed.
    """
    floor = (position + 1) << INDEX_BITS
    lanes = Lanes()
    numbers = set().union(*(Lanes(slot.checkpoint.seen).numbers(before, floor) for slot in kept))
    lanes.carry(lane, floor, numbers)
    if before:
        lanes.close(before)
    return lanes.settle(0)


def _told(agent: str, position: int, moves: Sequence[Moves]) -> Moved:
    rows = sum(value is not None for move in moves for table in move.rows.values() for value in table.values())
    due = sum(due is not None for move in moves for due in move.due.values())
    return Moved(agent, position, rows, due, sum(len(move.revived) for move in moves))
