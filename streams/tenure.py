"""A tenure: one worker's hold of one slot, from taking it over until it is lost or given up.

Everything in memory belongs to the tenure and goes with it. Any doubt (fenced, unknown commit, lost connection) ends
it, and the next one begins from what the store says: there is no second way to recover.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from stores.port import Checkpoint, Store
from streams.addressing import Addressing
from streams.admission import Admission
from streams.agent import Agent
from streams.alarm import Alarm
from streams.batch import Batch, HandlerFailed, NotWritable
from streams.broker import Broker, LogReader
from streams.changes import Herald
from streams.flush import Flush
from streams.gate import Gate
from streams.intake import Anchor, Intake, Part, cut_at
from streams.limits import Limits
from streams.outbox import unpack
from streams.pace import Pace
from streams.partition import Partition
from streams.pausing import pause
from streams.retry import HANDLER_FAILURES_IN_A_ROW, LOG_DELAYS
from streams.schedule import Schedule
from streams.source import Source
from streams.status import Status
from streams.topic import current_sender
from streams.turn import Turn
from topology.spec import Topology

IDLE = 1.0
"""Seconds without events after which a confirmed outbox is cleared and a skipped stretch is committed."""
SLICE = 0.05
"""Seconds that the body may run before the event loop gets its turn: heartbeats and confirms must not wait."""
FIRST_SLICE = 64
"""Events in a tenure's first slice, when nobody knows how slow the body is."""
WORTH_A_QUERY = 256
"""Events that are fetched for while a flush is under way. Fewer of them wait for its end, to share one query."""
PAUSE = 10.0
"""Seconds between tries at an event, once too many in a row have failed."""


class Tenure:
    """See the module's text."""

    def __init__(
        self,
        agent: Agent,
        checkpoint: Checkpoint,
        *,
        source: Source,
        store: Store,
        broker: Broker,
        partition: Partition,
        gate: Gate,
        addressing: Addressing,
        status: Status,
        limits: Limits,
        pace: Pace,
        now: Callable[[], int],
        jitter: random.Random,
        herald: Herald,
    ) -> None:
        self._agent = agent
        self._checkpoint = checkpoint
        self._source = source
        self._store = store
        self._broker = broker
        self._partition = partition
        self._gate = gate
        self._status = status
        self._limits = limits
        self._commit_pace = pace
        self._admission = Admission(checkpoint.slot, store, gate.marks)
        self._turn = Turn(
            source,
            addressing,
            partition.load_for_event,
            admission=self._admission,
            schedule=Schedule(source.log, frozenset(agent.topic.decoders), addressing),
            quiet=checkpoint.quiet,
        )
        self._alarm = self._new_alarm(addressing.topology, now)
        self._wake = asyncio.Event()
        self._flush = Flush(
            store=store,
            broker=broker,
            herald=herald,
            alarm=self._alarm,
            jitter=jitter,
            status=status,
            partition=partition,
            gate=gate,
            pace=pace,
            outbox_stored=bool(checkpoint.outbox),
            wake=self._wake.set,
        )
        self._slice = min(FIRST_SLICE, limits.events)
        self._alone_until = -1
        """Up to this offset events run one by one: one of them has failed."""
        self._failed_in_a_row = 0
        self._batch: Batch
        self._intake: Intake

    # --- from beginning to end ---

    async def republish(self) -> None:
        """Send the checkpoint's outbox again, under the same ids and numbers: its readers know what they have."""
        await self._flush.publish(unpack(self._checkpoint.outbox))

    async def serve(self, reader: LogReader, stop: asyncio.Event, skip: frozenset[str]) -> None:
        """Handle events until `stop`; then finish what is at hand. Raises whatever ends the tenure."""
        self._intake = self._read_ahead(reader, skip)
        self._partition.enter(self._turn)
        current_sender.set(self._turn)
        self._batch = Batch(
            self._agent,
            self._checkpoint,
            source=self._source,
            turn=self._turn,
            partition=self._partition,
            gate=self._gate,
            admission=self._admission,
            reader=reader,
            limits=self._limits,
            pace=self._commit_pace,
            largest=self._broker.capabilities.max_message_bytes,
        )
        tasks = [asyncio.create_task(self._wake_on(stop))]
        try:
            await self._intake.recognise()
            self._status.running()
            if self._alarm is not None:
                tasks.append(asyncio.create_task(self._alarm.run()))
            await self._loop(stop)
            await self._finish()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._drop()

    def _new_alarm(self, topology: Topology, now: Callable[[], int]) -> Alarm | None:
        """None where nothing comes due in the log."""
        if not topology.logs[self._source.log].due:
            return None
        return Alarm(
            self._checkpoint.slot,
            self._store,
            self._broker,
            now=now,
            # While the past is being made again its due times are in the log already.
            ready=lambda: self._status.position >= self._checkpoint.quiet,
            trouble=lambda reason: self._status.trouble("due times", reason),
        )

    def _read_ahead(self, reader: LogReader, skip: frozenset[str]) -> Intake:
        position = self._checkpoint.position
        known = self._checkpoint.anchor  # none before the first event, and after a reset to where no event stands
        anchor = Anchor(self._source.stream, position, known) if position >= 0 and known else None
        return Intake(reader, start=position + 1, skip=skip, limits=self._limits, wake=self._wake.set, anchor=anchor)

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _loop(self, stop: asyncio.Event) -> None:
        batch = self._batch
        while True:
            self._wake.clear()
            if stop.is_set():
                return
            if self._alone_until >= 0:
                await self._next_alone(stop)
                continue
            moved = await self._extend_batch()
            if not self._flush.under_way:
                await self._flush.ended()
            if not self._flush.under_way and batch.complete and (batch.has_messages or self._overdue):
                await self._guarded(self._close_batch())
            elif not moved:
                await self._wait()
            else:
                await asyncio.sleep(0)

    @property
    def _overdue(self) -> bool:
        """Whether a stretch without events for this agent has gone uncommitted for long."""
        return self._batch.has_moved and asyncio.get_running_loop().time() > self._flush.began + IDLE

    async def _wait(self) -> None:
        """Until something comes, the flush under way ends, or it is time to do something about nothing having come."""
        deadline = self._turn.deadline
        quiet = not self._flush.under_way and (self._flush.outbox_stored or self._batch.has_moved)
        now = asyncio.get_running_loop().time()
        timeout = max(0.0, deadline - now) if deadline is not None else IDLE if quiet else None
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            if deadline is not None:
                await self._guarded(self._batch.run(time_is_up=True))
            elif self._batch.complete:
                await self._guarded(self._close_batch())

    async def _finish(self) -> None:
        """Commit what is complete, wait for its confirms, and clear the outbox."""
        await self._flush.ended()
        if not self._batch.complete:
            self._batch.rollback()
        elif self._batch.has_messages:
            await self._guarded(self._close_batch())
            await self._flush.ended()
        if self._flush.outbox_stored or self._batch.has_moved:
            await self._guarded(self._close_batch())
            await self._flush.ended()

    async def _drop(self) -> None:
        self._batch.drop()
        await self._intake.close()
        await self._flush.drop()

    # --- batch after batch ---

    async def _extend_batch(self) -> bool:
        """Take in what waits, if there is room, and run the body over it. False if nothing was done."""
        room = self._batch.room
        if room <= 0 or self._better_later:
            return False
        clock = asyncio.get_running_loop().time
        parts = self._intake.take(min(room, self._slice))
        if parts:
            await self._look(parts)
            count, before = sum(len(part.envelopes) for part in parts), clock()
            await self._guarded(self._batch.extend(parts))
            self._pace(count, clock() - before)
        return bool(parts)

    @property
    def _better_later(self) -> bool:
        """Whether so few wait that they would not make the end of the flush under way come to more."""
        return (
            self._flush.under_way
            and self._partition.wants_prefetch
            and not self._intake.has(min(self._slice, WORTH_A_QUERY))
        )

    async def _look(self, parts: list[Part]) -> None:
        """Find out about messages that are for this agent alone. Until what is under way is committed, nobody knows."""
        marked = [e for part in parts for e in part.envelopes if e.schedule or e.only]
        if marked:
            await self._flush.ended()
            await self._admission.look(marked)

    def _pace(self, count: int, seconds: float) -> None:
        """Fit the next slice to what the last one took."""
        if count and seconds > 0:
            self._slice = max(1, min(self._limits.events, 2 * self._slice, int(count * SLICE / seconds)))

    async def _guarded(self, running: Coroutine[Any, Any, None]) -> None:
        try:
            await running
        except NotWritable as failure:
            await self._flush.ended()
            self._back_to_intake()
            self._batch.halve(failure)
        except HandlerFailed as failure:
            await self._isolate(failure)

    async def _close_batch(self) -> None:
        settled, unhandled = self._batch.settle()
        self._intake.put_back(unhandled)
        if settled.handled:
            self._failed_in_a_row = 0
        self._flush.start(settled)

    # --- an event that fails ---

    async def _isolate(self, failure: HandlerFailed) -> None:
        """Commit what lies before the failed event (or group) as a batch of its own; then its events run one by one."""
        first, last = self._batch.offsets(failure)
        parts = self._batch.taken
        await self._flush.ended()
        self._batch.rollback()
        before, rest = cut_at(parts, first)
        self._intake.put_back(rest)
        self._alone_until = max(self._alone_until, last)
        if before:
            await self._guarded(self._complete_batch(before))

    async def _complete_batch(self, parts: list[Part]) -> None:
        """Run these parts as a whole batch, groups closed early, and carry it out."""
        await self._look(parts)
        await self._batch.extend(parts)
        await self._batch.close_groups()
        await self._close_batch()
        await self._flush.ended()

    def _back_to_intake(self) -> None:
        parts = self._batch.taken
        self._batch.rollback()
        self._intake.put_back(parts)

    async def _next_alone(self, stop: asyncio.Event) -> None:
        await self._flush.ended()
        if self._batch.has_messages:
            self._back_to_intake()
        parts = self._intake.take(1)
        if not parts:
            await self._wait()
        elif parts[-1].envelopes and parts[-1].envelopes[0].offset > self._alone_until:
            self._intake.put_back(parts)
            self._alone_until = -1
        else:
            await self._try_alone(parts, stop)

    async def _try_alone(self, parts: list[Part], stop: asyncio.Event) -> None:
        """Up to three tries, then a dead letter, in the commit that moves the position past the event."""
        failure: BaseException | None = None
        for delay in LOG_DELAYS:
            await asyncio.sleep(delay)
            try:
                await self._complete_batch(parts)
            except HandlerFailed as failed:
                failure = failed.error
                self._batch.rollback()
            else:
                self._status.running()
                return
        if failure is not None:
            await self._give_up(parts, failure, stop)

    async def _give_up(self, parts: list[Part], error: BaseException, stop: asyncio.Event) -> None:
        if self._failed_in_a_row >= HANDLER_FAILURES_IN_A_ROW:
            self._intake.put_back(parts)
            self._status.paused(
                f"{self._failed_in_a_row} events in a row have failed, the next with {type(error).__name__}: {error}. "
                "It is tried again; mend the agent, or what it depends on, and start it again"
            )
            await pause(stop, PAUSE)
            return
        self._failed_in_a_row += 1
        self._flush.start(self._batch.settle_dead(parts, error, attempts=1 + len(LOG_DELAYS)))
        await self._flush.ended()
