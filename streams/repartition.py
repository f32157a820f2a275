"""A new number of partitions for a log that stands: what its agents keep is moved, and they go on where they were.

The partitions of each edition are streams of their own. The forwarder of the edition before is ended at an offset of
the intake; its readers read their partitions to the end; then all that each of them keeps (rows, due times, dead
letters) is moved to the partition of its key in one commit; and the new edition's forwarder fills the new partitions
from the intake's beginning. What readers have counted they know by the forwarder's numbers. Where there is to be one
partition, its readers go on in the intake itself, where the forwarder was ended.

Workers may be at work: the tool takes slots away from them, by the epoch. A tool that breaks off is run again: nobody
goes on in between.
"""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from stores.port import Checkpoint, Commit, Reset, Slot
from streams.custody import custody
from streams.editions import forwarder_lane, forwarder_name, reunion_lane
from streams.move import Ended, Move, Moved, NotMoved, Reader
from streams.surroundings import Surroundings
from topology.spec import Log


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """What was done. With nothing to be done, `readers` is empty and `before` is the present number."""

    before: int
    position: int
    """The offset of the intake up to which the edition before was forwarded; -1 where there was none."""
    readers: tuple[Moved, ...]


class Repartition:
    """The tool for one log."""

    def __init__(
        self, log: Log, readers: Sequence[Reader], around: Surroundings, service: str, ids: random.Random
    ) -> None:
        """`log` as it is to be; `around` are the surroundings of the log's service."""
        self._log = log
        self._readers = readers
        self._around = around
        self._service = service
        self._ids = ids
        self._stack = AsyncExitStack()

    async def run(self) -> Repartitioned:
        """Move all that its readers keep. Raises AtWork (another tool), NotMoved, NotDivided, Stuck; run it again then.

        Workers wait as soon as it has their slots. Those whose topology is the one before leave the service then.
        """
        if self._log.edition == 1:
            raise NotMoved(
                f"log {self._log.name!r} is in its first edition, with {self._log.partitions} partitions: to give it "
                "another number, set `partitions:` and say `edition: 2` beside it"
            )
        async with self._stack:
            checkpoint = await self._take(Slot(forwarder_name(self._log)), self._around)
            if checkpoint.watermark == self._log.partitions:
                return Repartitioned(self._log.partitions, checkpoint.position, ())
            before = await self._end_edition_before()
            lane = self._lane(self._log, checkpoint)
            moves = [Move(reader, self._log, lane, before, self._take, self._ids) for reader in self._readers]
            moved = tuple([await move.run() for move in moves])
            told = before.position
            if not before.forwarded:
                told = min((each.position for each in moved if each.position >= 0), default=-1)
            await self._begin(checkpoint, told)
            return Repartitioned(before.log.partitions, before.position, moved)

    async def _take(self, slot: Slot, around: Surroundings) -> Checkpoint:
        return await self._stack.enter_async_context(
            custody(slot, around.store, around.worker, around.lease, seize=True)
        )

    def _lane(self, log: Log, checkpoint: Checkpoint) -> str:
        """By which readers know the edition."""
        if log.partitions == 1:
            return reunion_lane(log.name, log.edition)
        return forwarder_lane(self._service, checkpoint.slot, checkpoint.birth)

    # --- forwarders: their checkpoints keep the number of partitions, as the watermark; below 0 once they are ended ---

    async def _end_edition_before(self) -> Ended:
        """From here on nobody forwards to it."""
        known = {standing.slot for standing in await self._around.store.standings()}
        for edition in range(self._log.edition - 1, 0, -1):
            log = replace(self._log, edition=edition)
            if Slot(forwarder_name(log)) not in known:
                continue
            checkpoint = await self._take(Slot(forwarder_name(log)), self._around)
            if checkpoint.watermark:
                return await self._end(log, checkpoint)
        return Ended(replace(self._log, partitions=1, edition=1), -1, "")

    async def _end(self, log: Log, checkpoint: Checkpoint) -> Ended:
        number = abs(checkpoint.watermark)
        if number == self._log.partitions == 1:
            raise NotMoved(f"log {log.name!r} has one partition already: say `edition: {log.edition}` again")
        if checkpoint.watermark < 0 and log.edition < self._log.edition - 1:
            raise NotMoved(
                f"log {log.name!r} was being moved from edition {log.edition} to the next one: say `edition: "
                f"{log.edition + 1}` and the number of partitions it had, let this come to its end, then go on"
            )
        if checkpoint.watermark > 0:
            await self._around.store.commit(_as_it_is(checkpoint, watermark=-number))
        log = replace(log, partitions=number)
        if number == 1:
            return Ended(log, -1, self._lane(log, checkpoint))
        c, ids = checkpoint, await self._around.store.ids(checkpoint.slot)
        return Ended(log, c.position, self._lane(log, c), c.anchor, c.seen, ids)

    async def _begin(self, checkpoint: Checkpoint, quiet: int) -> None:
        """From here on the log is forwarded to its new partitions, if it has several. What is dead up to `quiet` was
        told."""
        reset = Reset(checkpoint.slot, checkpoint.epoch, (), -1, b"", quiet)
        await self._around.store.reset(reset)
        empty = Checkpoint(checkpoint.slot, checkpoint.epoch, checkpoint.birth)
        await self._around.store.commit(_as_it_is(empty, watermark=self._log.partitions))


def _as_it_is(checkpoint: Checkpoint, *, watermark: int) -> Commit:
    """A forwarder's checkpoint with another number of partitions."""
    c = checkpoint
    return Commit(c.slot, c.epoch, c.position, c.anchor, c.seen, watermark)
