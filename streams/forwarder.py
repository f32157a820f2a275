"""The forwarder of a partitioned log: copies its intake to its partitions, every event once, in order.

It needs no outbox: it publishes a batch, waits for the confirms, and then commits how far it has come. After a crash it
forwards again, under the same numbers; readers know what they have. It alone judges the lanes and ids of senders.
"""

import asyncio
from dataclasses import dataclass

from stores.port import Checkpoint, Commit, Slot
from streams.broker import Envelope, LogReader, Message
from streams.delivery import deliver
from streams.editions import forwarder_lane, forwarder_name
from streams.errors import Halted, NotDecodable
from streams.forwarding import forwarded, key_finder, numbered
from streams.intake import Anchor, Intake, Part
from streams.letters import dead_letter
from streams.recent import MOST_IDS, RecentIds
from streams.senders import Senders
from streams.status import Status
from streams.surroundings import Surroundings
from topology.spec import Log

AT_ONCE = 1_000
"""Messages in a batch, at the most: they are taken apart in one go, and heartbeats must not wait for long."""


class Forwarder:
    """A Duty; see `streams.hold`."""

    def __init__(self, log: Log, service: str, dedupe: int | None, around: Surroundings) -> None:
        """`dedupe`: for how long (ms of log time) ids of messages without a lane are remembered; None: not at all."""
        self.slot = Slot(forwarder_name(log))
        self.status = Status(service, self.slot.agent, 0, log.name)
        self._log = log
        self._dedupe = dedupe
        self._around = around

    async def serve(self, checkpoint: Checkpoint, stop: asyncio.Event) -> None:
        """One tenure. See Duty."""
        self._check_number(checkpoint)
        around, ids = self._around, None
        if self._dedupe is not None:
            ids = RecentIds(keep=self._dedupe, at_most=MOST_IDS, rows=await around.store.ids(self.slot))
        senders = Senders(checkpoint, ids, around.trusted)
        position = checkpoint.position
        async with around.broker.read(self._log.name, position if position >= 0 else "first") as reader:
            tenure = ForwarderTenure(self._log, checkpoint, reader, senders, self.status, around)
            await tenure.serve(stop)

    def forget(self) -> None:
        """See Duty: nothing is kept."""

    def _check_number(self, checkpoint: Checkpoint) -> None:
        """A key's rows lie by the number of partitions. Raises Halted where it was another one before, and where what
        lies by an earlier one was not moved yet."""
        log, before = self._log, checkpoint.watermark
        if before < 0:
            raise Halted(
                f"edition {log.edition} of log {log.name!r} has ended, with {-before} partitions: the topology is to "
                f"say a later one. If `warren agents repartition {log.name}` broke off, run it again"
            )
        if log.edition > 1 and not before:
            raise Halted(
                f"what agents keep of log {log.name!r} lies by its earlier number of partitions: it goes on once "
                f"`warren agents repartition {log.name}` has moved it"
            )
        if checkpoint.position >= 0 and before != log.partitions:
            raise Halted(
                f"log {log.name!r} was forwarded to {before} partitions up to offset {checkpoint.position}, and the "
                f"topology says {log.partitions}: keys would change their partition, and leave their rows behind. Set "
                f"it back, or say `edition: {log.edition + 1}` beside it and run `warren agents repartition {log.name}`"
            )


@dataclass(slots=True)
class _Batch:
    """What is published, and then committed."""

    commit: Commit
    messages: list[Message]
    dead: int
    repeats: int
    log_time: int


class ForwarderTenure:
    """The forwarder while it holds its slot."""

    def __init__(
        self,
        log: Log,
        checkpoint: Checkpoint,
        reader: LogReader,
        senders: Senders,
        status: Status,
        around: Surroundings,
    ) -> None:
        self._log = log
        self._checkpoint = checkpoint
        self._reader = reader
        self._senders = senders
        self._status = status
        self._around = around
        self._find_key = key_finder(log)
        self._largest = around.broker.capabilities.max_message_bytes
        self._lane = forwarder_lane(status.service, checkpoint.slot, checkpoint.birth)
        self._wake = asyncio.Event()
        self._commit: asyncio.Task[None] | None = None

    async def serve(self, stop: asyncio.Event) -> None:
        """Forward until `stop`. Raises whatever ends the tenure."""
        position = self._checkpoint.position
        anchor = Anchor(self._log.name, position, self._checkpoint.anchor) if position >= 0 else None
        intake = Intake(
            self._reader,
            start=position + 1,
            skip=(),
            limits=self._around.limits,
            wake=self._wake.set,
            anchor=anchor,
        )
        watch = asyncio.create_task(self._wake_on(stop))
        try:
            await intake.recognise()
            self._status.running()
            await self._loop(intake, stop)
        finally:
            watch.cancel()
            await intake.close()
            await self._drop()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _loop(self, intake: Intake, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            parts = intake.take(min(AT_ONCE, self._around.limits.events))
            if parts:
                await self._forward(parts)
            else:
                await self._committed()
                await self._wake.wait()
        await self._committed()

    async def _forward(self, parts: list[Part]) -> None:
        """Publish a batch while the one before is being committed; then commit it."""
        batch = self._settle(parts)
        if batch.messages:
            await deliver(self._around.broker, batch.messages, self._trouble, self._around.jitter)
        await self._committed()
        self._commit = asyncio.create_task(self._carry_out(batch))

    def _settle(self, parts: list[Part]) -> _Batch:
        """The messages of a batch, judged, and the commit that moves the position past it."""
        floor, dead, repeats = self._checkpoint.position + 1, 0, 0
        messages: list[Message] = []
        for part in parts:
            for envelope in part.envelopes:
                if not self._senders.fresh(envelope, part.chunk.time):
                    repeats += 1
                    continue
                try:
                    message = self._forwarded(envelope, part.chunk.time)
                except NotDecodable as error:
                    if envelope.offset <= self._checkpoint.quiet:
                        continue  # the edition before has said so
                    message, dead = self._dead_letter(envelope, error), dead + 1
                messages.append(numbered(message, self._lane, envelope.offset, floor))
        return _Batch(self._moved_to(parts[-1]), messages, dead, repeats, parts[-1].chunk.time)

    def _forwarded(self, envelope: Envelope, log_time: int) -> Message:
        if len(envelope.body) > self._largest:
            raise NotDecodable(f"it has {len(envelope.body):,} bytes: the broker takes {self._largest:,} at the most")
        marks = self._senders.marks(envelope)
        key = envelope.key if "schedule" in marks else self._find_key(envelope)
        return forwarded(self._log, envelope, self._reader.details(envelope), key, log_time, marks)

    def _dead_letter(self, envelope: Envelope, error: NotDecodable) -> Message:
        return dead_letter(
            service=self._status.service,
            agent=self._status.agent,
            source=self._log.name,
            offset=envelope.offset,
            event_id=envelope.id or f"{self._log.name}@{envelope.offset}",
            envelope=envelope,
            details=self._reader.details(envelope),
            error=error,
            attempts=1,
            largest=self._largest,
        )

    def _moved_to(self, part: Part) -> Commit:
        checkpoint = self._checkpoint
        checkpoint.position, checkpoint.anchor = part.end, self._reader.fingerprint(part.chunk, part.end)
        seen, ids, forget = self._senders.settle(part.end, part.chunk.time)
        return Commit(
            slot=checkpoint.slot,
            epoch=checkpoint.epoch,
            position=checkpoint.position,
            anchor=checkpoint.anchor,
            seen=seen,
            watermark=self._log.partitions,  # of events it has none; this number has to be known again
            ids=ids,
            forget_ids_to=forget,
        )

    async def _carry_out(self, batch: _Batch) -> None:
        await self._around.store.commit(batch.commit)
        status = self._status
        status.commits += 1
        status.position, status.log_time = batch.commit.position, batch.log_time
        status.sent += len(batch.messages)
        status.handled += len(batch.messages) - batch.dead
        status.dead += batch.dead
        status.repeats += batch.repeats
        status.numbers = self._senders.lanes.remembered
        status.ids = len(self._senders.ids) if self._senders.ids is not None else 0

    async def _committed(self) -> None:
        """Wait for the commit under way. Raises what it raised."""
        if self._commit is not None:
            commit, self._commit = self._commit, None
            await commit

    async def _drop(self) -> None:
        if self._commit is not None:
            self._commit.cancel()
            await asyncio.gather(self._commit, return_exceptions=True)

    def _trouble(self, reason: str) -> None:
        self._status.trouble("publishing", reason)
