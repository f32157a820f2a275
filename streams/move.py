"""The move of one agent to another number of partitions: all that it keeps, in one commit."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from stores.port import Checkpoint, Commit, IdRow, Slot
from streams.agent import Agent
from streams.app import App
from streams.custody import AtWork
from streams.division import Kept, Moves, divided
from streams.errand import serve_up_to
from streams.errors import NotDecodable, StreamsError
from streams.forwarding import key_finder
from streams.graph import tables_of
from streams.lanes import FOR_GOOD, Lanes
from streams.log_agent import LogAgent
from streams.outbox import INDEX_BITS
from streams.places import Places
from streams.recent import packed_anew
from streams.source import Source, partition_of, sources
from streams.surroundings import Surroundings
from streams.table import Table
from topology.spec import Log

EVERYTHING = (1 << 31) - 1
"""More due times than there can be."""
NEAR = 2.0
"""Seconds between looks at how far workers are from the ends of their partitions."""

Take = Callable[[Slot, Surroundings], Awaitable[Checkpoint]]
"""Takes a slot, from whichever worker has it, for as long as the tool runs."""


class NotMoved(StreamsError):
    """The log cannot be given its new number of partitions as things stand."""


@dataclass(frozen=True, slots=True)
class Reader:
    """An agent that reads the log, of whichever service."""

    app: App
    agent: Agent
    around: Surroundings
    """Its worker's name is the tool's."""

    @property
    def tables(self) -> list[Table[Any]]:
        """The tables it keeps."""
        return [self.app.tables[name] for name in tables_of(self.agent, self.app)]


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
class Ended:
    """The edition before."""

    log: Log
    position: int
    """Up to where its forwarder has come in the intake; -1 where it had none."""
    lane: str
    """Its forwarder's, or the mark of an edition with one partition; "" for a first edition with one."""
    anchor: bytes = b""
    """Of `position`."""
    seen: bytes = b""
    """What its forwarder has read of lanes."""
    ids: Sequence[IdRow] = ()
    """What its forwarder has read of messages without a lane."""

    @property
    def forwarded(self) -> bool:
        """Whether a forwarder stood between the log and its readers."""
        return self.log.partitions > 1


@dataclass(frozen=True, slots=True)
class Move:
    """The move of one reader."""

    reader: Reader
    log: Log
    """As it is to be."""
    lane: str
    """The new forwarder's, or the mark of the new edition, if that has one partition."""
    before: Ended
    take: Take
    ids: random.Random

    async def run(self) -> Moved:
        """Move what the reader keeps. Once it has come so far, its workers wait until the tool ends."""
        name, around = self.reader.agent.name, self.reader.around
        await self._approach()
        slots = range(max(self.before.log.partitions, self.log.partitions))
        checkpoints = [await self.take(Slot(name, partition), around) for partition in slots]
        own = checkpoints[: self.before.log.partitions]
        counted = Lanes(checkpoints[0].seen).floor(self.lane)
        if counted >= 0:  # it was moved before the tool broke off
            return Moved(name, (counted >> INDEX_BITS) - 1)
        if all(checkpoint.position < 0 for checkpoint in own):
            return Moved(name, -1)  # it begins with the new partitions
        for source, checkpoint in zip(sources(self.before.log), own, strict=True):
            await self._serve(source, checkpoint)
        return await self._carry_over(checkpoints)

    async def _approach(self) -> None:
        """Let workers read what was forwarded already, as long as they come nearer to the end of it."""
        before, behind = None, await self._behind()
        while behind and (before is None or behind < before):
            await asyncio.sleep(NEAR)
            before, behind = behind, await self._behind()

    async def _behind(self) -> int:
        """How far the reader is from the ends of its partitions; 0 too where it has to come to no end."""
        if not self.before.forwarded:
            return 0
        around, behind = self.reader.around, 0
        slots = {standing.slot: standing for standing in await around.store.standings()}
        for source in sources(self.before.log):
            standing = slots.get(Slot(self.reader.agent.name, source.partition))
            if standing is not None and standing.position >= 0:
                behind += max(0, (await Places(around.broker, source.stream).extent()).last - standing.position)
        return behind

    async def _carry_over(self, checkpoints: Sequence[Checkpoint]) -> Moved:
        own = checkpoints[: self.before.log.partitions]
        position = self.before.position if self.before.forwarded else own[0].position
        kept = [await self._kept(checkpoint) for checkpoint in own]
        moves = divided(kept, self.reader.tables, self.log.partitions, await self._partitions_of(kept))
        if self.log.partitions == 1:
            await self._hand_over_ids(checkpoints[0])
        seen, watermark = self._seen(own, position), self._watermark(own)
        commits = [self._begun(c, m, seen, watermark) for c, m in zip(checkpoints, moves, strict=True)]
        await self.reader.around.store.commit_together(commits)
        return _told(self.reader.agent.name, position, moves)

    async def _serve(self, source: Source, checkpoint: Checkpoint) -> None:
        """Let it read its partition to the end, and send what it has to; then read again what it has come to."""
        around, position = self.reader.around, checkpoint.position
        end = (await Places(around.broker, source.stream).extent()).last if source.forwarded else position
        agent = LogAgent(self.reader.agent, source, self.reader.tables, around)
        await serve_up_to(agent, replace(checkpoint), end)
        again = await around.store.acquire(checkpoint.slot, around.worker, around.lease)
        if again is None:
            raise AtWork(f"agent {checkpoint.slot} was taken by another tool: let that end, and try again")
        for name in Checkpoint.__slots__:
            setattr(checkpoint, name, getattr(again, name))
        if checkpoint.quiet > checkpoint.position:
            raise NotMoved(
                f"agent {checkpoint.slot} is making its past again, up to offset {checkpoint.quiet}: set the number of "
                "partitions back, let it come to there, and try again"
            )

    # --- what it keeps ---

    async def _kept(self, checkpoint: Checkpoint) -> Kept:
        store, slot = self.reader.around.store, checkpoint.slot
        rows = {t.name: await store.scan(t.name, slot.partition) for t in self.reader.tables}
        due, dead = await store.due(slot, FOR_GOOD, EVERYTHING), await store.dead(slot, None)
        return Kept(checkpoint, rows, due, frozenset(dead))

    async def _partitions_of(self, kept: Sequence[Kept]) -> dict[int, Sequence[int]]:
        """The partitions of dead letters: of each event's key, or all of them where the intake has it no more. A replay
        comes to one of them alone."""
        intake, find = Places(self.reader.around.broker, self.log.name), key_finder(self.log)
        everywhere = range(self.log.partitions)
        found: dict[int, Sequence[int]] = {offset: everywhere for slot in kept for offset in slot.dead}
        for offset in found if len(everywhere) > 1 else ():
            envelope = await intake.envelope(offset)
            if envelope is not None:
                with suppress(NotDecodable):
                    key = envelope.key if envelope.schedule else find(envelope)
                    found[offset] = (partition_of(key, self.log.partitions),)
        return found

    def _seen(self, own: Sequence[Checkpoint], position: int) -> bytes:
        """What the reader knows of numbers: they are offsets of the intake in every edition.

        Beyond `position` some may have been counted too: what a forwarder had published and not committed. Where nobody
        forwards any more, the reader takes over what the forwarder knew of senders.
        """
        floor, before = (position + 1) << INDEX_BITS, self.before.lane
        numbers = set().union(*(Lanes(checkpoint.seen).numbers(before, floor) for checkpoint in own))
        lanes = Lanes(self.before.seen if self.log.partitions == 1 else b"")
        lanes.carry(self.lane, floor, numbers)
        if before:
            lanes.close(before)
        return lanes.settle(0)

    def _watermark(self, own: Sequence[Checkpoint]) -> int:
        """Of the whole log it is known exactly; of a partition, how far it has come at the least."""
        known = [checkpoint.watermark for checkpoint in own if checkpoint.position >= 0]
        return max(known) if self.log.partitions == 1 else min(known)

    async def _hand_over_ids(self, checkpoint: Checkpoint) -> None:
        """The forwarder has judged messages without a lane; from here on the reader does. Nobody asks it before."""
        forget = FOR_GOOD
        for row in packed_anew(self.before.ids):
            await self.reader.around.store.commit(replace(_as_it_is(checkpoint), ids=row, forget_ids_to=forget))
            forget = -1

    def _begun(self, checkpoint: Checkpoint, moves: Moves, seen: bytes, watermark: int) -> Commit:
        """At its new beginning, with all of it that was counted known."""
        whole = self.log.partitions == 1
        goes_on = whole and checkpoint.slot.partition == 0
        return Commit(
            checkpoint.slot,
            checkpoint.epoch,
            position=self.before.position if goes_on else -1,
            anchor=self.before.anchor if goes_on else b"",
            seen=seen,
            watermark=watermark,
            rows={table: list(rows.items()) for table, rows in moves.rows.items()},
            forget_ids_to=-1 if goes_on else FOR_GOOD,
            due=moves.due,
            dead=sorted(moves.dead),
            revived=sorted(moves.revived),
            birth=f"{self.ids.getrandbits(48):012x}",
        )


def _as_it_is(checkpoint: Checkpoint) -> Commit:
    c = checkpoint
    return Commit(c.slot, c.epoch, c.position, c.anchor, c.seen, c.watermark)


def _told(agent: str, position: int, moves: Sequence[Moves]) -> Moved:
    rows = sum(value is not None for move in moves for table in move.rows.values() for value in table.values())
    due = sum(due is not None for move in moves for due in move.due.values())
    return Moved(agent, position, rows, due, sum(len(move.revived) for move in moves))
