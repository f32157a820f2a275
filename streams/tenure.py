"""A tenure: one worker's hold of one slot, from taking it over until it is lost or given up.

Everything in memory belongs to the tenure and goes with it. Any doubt (fenced, unknown commit, lost connection) ends
it, and the next one begins from what the store says: there is no second way to recover.
"""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from stores.errors import StoreError
from stores.port import Checkpoint, Commit, Store
from streams.addressing import Addressing
from streams.agent import Agent
from streams.body import Body, BodyReturned
from streams.broker import Broker, Chunk, Envelope, LogReader, Message
from streams.delivery import deliver
from streams.errors import BrokerError, StreamsError
from streams.gate import Accepted, Gate
from streams.intake import Anchor, Intake, Part, cut_at
from streams.letters import dead_letter
from streams.limits import Limits
from streams.outbox import Outbox, pack, unpack
from streams.partition import Partition
from streams.pausing import being_cancelled, pause
from streams.retry import HANDLER_FAILURES_IN_A_ROW, LOG_DELAYS
from streams.status import Status
from streams.stream import Stream
from streams.topic import current_sender
from streams.turn import Turn
from streams.working import Change

IDLE = 1.0
"""Seconds without events after which a confirmed outbox is cleared and a skipped stretch is committed."""
SILENCE = 5.0
"""Seconds to wait for the event that the checkpoint knows, before saying that the log is silent."""
SLICE = 0.05
"""Seconds that the body may run before the event loop gets its turn: heartbeats and confirms must not wait."""
FEWEST = 64
"""Events in a slice, however slow the body is."""
PAUSE = 10.0
"""Seconds between tries at an event, once too many in a row have failed."""


class HandlerFailed(StreamsError):
    """The agent's body raised on an event."""

    def __init__(self, first: int, upto: int, error: BaseException) -> None:
        super().__init__(str(error))
        self.first, self.upto, self.error = first, upto, error


class NotWritable(HandlerFailed):
    """Some event of the batch, nobody knows which, left a value in a table that cannot be encoded."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A closed batch: what is committed, then published, then counted."""

    commit: Commit
    messages: list[Message]
    handled: int
    repeats: int
    dead: int
    log_time: int


class Tenure:
    """See the module's text."""

    def __init__(
        self,
        agent: Agent,
        checkpoint: Checkpoint,
        *,
        log: str,
        store: Store,
        broker: Broker,
        partition: Partition,
        gate: Gate,
        addressing: Addressing,
        status: Status,
        limits: Limits,
        jitter: random.Random,
    ) -> None:
        self._agent = agent
        self._checkpoint = checkpoint
        self._log = log
        self._store = store
        self._broker = broker
        self._partition = partition
        self._gate = gate
        self._addressing = addressing
        self._status = status
        self._limits = limits
        self._jitter = jitter
        self._lane = f"{agent.service}/{checkpoint.slot}@{checkpoint.birth}"
        self._turn = Turn(log, addressing, partition.load_for_event)
        self._body = Body(lambda: agent.run(Stream(self._turn)))
        self._wake = asyncio.Event()
        self._watermark = checkpoint.watermark
        self._end: tuple[Chunk, int] | None = None
        self._flush: asyncio.Task[None] | None = None
        self._outbox_stored = bool(checkpoint.outbox)
        self._slice = limits.events
        self._most = limits.events
        """Messages in a batch; fewer while looking for the one that cannot be written."""
        self._flush_began = 0.0
        self._alone_until = -1
        self._failed_in_a_row = 0
        self._parts: list[Part] = []
        self._reader: LogReader
        self._intake: Intake

    # --- from beginning to end ---

    async def serve(self, reader: LogReader, stop: asyncio.Event, skip: frozenset[str]) -> None:
        """Handle events until `stop`; then finish what is at hand. Raises whatever ends the tenure."""
        position = self._checkpoint.position
        anchor = Anchor(self._log, position, self._checkpoint.anchor) if position >= 0 else None
        self._reader = reader
        self._intake = Intake(
            reader, start=position + 1, skip=skip, limits=self._limits, wake=self._wake.set, anchor=anchor
        )
        self._partition.enter(self._turn)
        current_sender.set(self._turn)
        self._begin()
        watch = asyncio.create_task(self._wake_on(stop))
        try:
            await self._recognise(position)
            self._status.running()
            await self._loop(stop)
            await self._finish()
        finally:
            watch.cancel()
            await self._drop()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _recognise(self, position: int) -> None:
        try:
            await asyncio.wait_for(self._intake.recognised.wait(), SILENCE)
        except TimeoutError:
            raise BrokerError(
                f"log {self._log!r} is silent from offset {position} on, where the agent has read an event: "
                "was it made anew or restored? It is tried again; `warren agents reset` begins anew"
            ) from None

    async def _loop(self, stop: asyncio.Event) -> None:
        while True:
            self._wake.clear()
            if stop.is_set():
                return
            if self._alone_until >= 0:
                await self._next_alone(stop)
                continue
            moved = await self._extend_batch()
            if self._flush is not None and self._flush.done():
                await self._flushed()
            if self._flush is None and self._complete and (self._parts or self._overdue):
                await self._guarded(self._close_batch())
            elif not moved:
                await self._wait()
            else:
                await asyncio.sleep(0)

    @property
    def _overdue(self) -> bool:
        """Whether a stretch without events for this agent has gone uncommitted for long."""
        return self._end is not None and asyncio.get_running_loop().time() > self._flush_began + IDLE

    async def _wait(self) -> None:
        """Until something comes, the flush under way ends, or it is time to do something about nothing having come."""
        deadline = self._turn.deadline
        quiet = self._flush is None and (self._outbox_stored or self._end is not None)
        now = asyncio.get_running_loop().time()
        timeout = max(0.0, deadline - now) if deadline is not None else IDLE if quiet else None
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            if deadline is not None:
                await self._guarded(self._run(time_is_up=True))
            elif self._complete:
                self._start_flush()

    async def _finish(self) -> None:
        """Commit what is complete, wait for its confirms, and clear the outbox."""
        await self._flushed()
        if not self._complete:
            self._rollback()
        elif self._parts:
            await self._guarded(self._close_batch())
            await self._flushed()
        if self._outbox_stored or self._end is not None:
            self._start_flush()
            await self._flushed()

    async def _drop(self) -> None:
        self._body.close()
        await self._intake.close()
        if self._flush is not None:
            self._flush.cancel()
            await asyncio.gather(self._flush, return_exceptions=True)

    # --- the open batch ---

    def _begin(self) -> None:
        self._parts = []
        self._accepted = Accepted()
        self._outbox = Outbox(self._lane, self._limits.bytes)
        self._turn.begin(self._accepted, self._outbox, self._watermark, self._reader.details)

    @property
    def _complete(self) -> bool:
        """Whether every event taken in was handled, and no group is being filled."""
        return self._turn.deadline is None and (self._turn.next >= len(self._accepted.values) or self._outbox.full)

    async def _extend_batch(self) -> bool:
        """Take in what waits, if there is room, and run the body over it. False if nothing was done."""
        room = self._most - sum(len(part.envelopes) for part in self._parts)
        if room <= 0 or self._outbox.full or sum(p.bytes for p in self._parts) >= self._limits.bytes:
            return False
        clock = asyncio.get_running_loop().time
        parts, before = self._intake.take(min(room, self._slice)), clock()
        if parts:
            count = sum(len(part.envelopes) for part in parts)
            await self._guarded(self._extend(parts))
            self._pace(count, clock() - before)
        return bool(parts)

    def _pace(self, count: int, seconds: float) -> None:
        """Fit the next slice to what the last one took."""
        if count and seconds > 0:
            self._slice = max(FEWEST, min(self._limits.events, 2 * self._slice, int(count * SLICE / seconds)))

    async def _extend(self, parts: list[Part]) -> None:
        before = len(self._accepted.values)
        for part in parts:
            self._end = part.chunk, part.end
            if part.envelopes:
                self._parts.append(part)
                self._gate.take(part.chunk, part.envelopes, self._accepted)
        if self._partition.wants_prefetch:
            fresh = range(before, len(self._accepted.values))
            await self._partition.prefetch([self._turn.event_at(index) for index in fresh])
        await self._run()

    async def _run(self, *, time_is_up: bool = False) -> None:
        """Let the body handle what was taken in. Raises HandlerFailed."""
        turn, values = self._turn, self._accepted.values
        while time_is_up or (turn.next < len(values) and not self._outbox.full):
            had = turn.next
            try:
                returned = not await self._body.advance(time_is_up)
            except (StoreError, BrokerError):
                raise
            except asyncio.CancelledError as error:
                if being_cancelled():
                    raise
                raise HandlerFailed(turn.first, max(turn.next, turn.first + 1), error) from error
            except Exception as error:
                raise HandlerFailed(turn.first, max(turn.next, turn.first + 1), error) from error
            if returned and turn.next == had:
                raise BodyReturned
            time_is_up = False

    async def _guarded(self, running: Coroutine[Any, Any, None]) -> None:
        try:
            await running
        except NotWritable as failure:
            await self._flushed()
            self._rollback_to_intake()
            self._most = failure.upto // 2
        except HandlerFailed as failure:
            await self._isolate(failure)

    def _taken(self) -> list[Part]:
        """What the open batch took from the intake, with what was skipped at its end."""
        if self._end is None or (self._parts and self._parts[-1].end == self._end[1]):
            return self._parts
        chunk, end = self._end
        return [*self._parts, Part(chunk, [], end, 0)]

    def _rollback(self) -> None:
        self._body.close()
        self._partition.rollback()
        self._gate.rollback()
        self._end = None
        self._begin()

    # --- closing a batch ---

    async def _close_batch(self) -> None:
        self._start_flush()

    def _start_flush(self) -> None:
        """Commit and publish the batch, in a task. Raises HandlerFailed where its changes cannot be written."""
        settled = self._settle()
        self._begin()
        self._flush_began = asyncio.get_running_loop().time()
        self._flush = asyncio.create_task(self._carry_out(settled))
        self._flush.add_done_callback(lambda _: self._wake.set())

    async def _flushed(self) -> None:
        """Wait for the flush under way. Raises what ended it."""
        if self._flush is not None:
            flush, self._flush = self._flush, None
            await flush

    def _settle(self) -> Settled:
        """Close the batch: from here on its changes are what later batches see."""
        if self._outbox.full:
            self._give_back_unhandled()
        accepted = self._accepted
        watermark = self._turn.watermark if accepted.values else self._watermark
        changes = self._changes(watermark)
        self._watermark = watermark
        commit = self._next_commit()
        if accepted.values:
            self._failed_in_a_row = 0
            self._most = min(2 * self._most, self._limits.events)
        for envelope, _, error in accepted.undecodable:
            self._bury(envelope, error, attempts=1)
        commit.rows = self._partition.settle(changes)
        log_time = self._end[0].time if self._end is not None else self._status.log_time
        commit.seen, commit.ids, commit.forget_ids_to = self._gate.settle(commit.position, log_time)
        messages = self._outbox.messages()
        commit.outbox = pack(messages)
        self._end = None
        return Settled(commit, messages, len(accepted.values), accepted.repeats, len(accepted.undecodable), log_time)

    def _changes(self, watermark: int) -> dict[str, list[Change]]:
        try:
            return self._partition.changes(watermark)
        except Exception as error:
            count = len(self._accepted.values)
            raise (NotWritable if count > 1 else HandlerFailed)(0, count, error) from error

    def _next_commit(self) -> Commit:
        """A commit that moves the position to the end of the batch and changes nothing else yet."""
        checkpoint = self._checkpoint
        if self._end is not None:
            chunk, offset = self._end
            checkpoint.position, checkpoint.anchor = offset, self._reader.fingerprint(chunk, offset)
        return Commit(
            slot=checkpoint.slot,
            epoch=checkpoint.epoch,
            position=checkpoint.position,
            anchor=checkpoint.anchor,
            seen=b"",
            watermark=self._watermark,
        )

    def _give_back_unhandled(self) -> None:
        """The outbox is full before the batch's end: what the body has not had goes back to the intake."""
        values = self._accepted.values
        if self._turn.next >= len(values):
            return
        offset = self._accepted.envelopes[self._turn.next].offset
        handled, rest = cut_at(self._parts, offset)
        self._intake.put_back(rest)
        self._gate.rollback()
        accepted = Accepted()
        for part in handled:
            self._gate.take(part.chunk, part.envelopes, accepted)
        self._end = handled[-1].chunk, handled[-1].end
        self._parts, self._accepted = handled, accepted

    async def _carry_out(self, settled: Settled) -> None:
        """Commit, publish, count."""
        commit, status = settled.commit, self._status
        await self._store.commit(commit)
        self._outbox_stored = bool(settled.messages)
        status.commits += 1
        status.position, status.log_time = commit.position, settled.log_time
        status.handled += settled.handled
        status.repeats += settled.repeats
        status.dead += settled.dead
        status.rows, status.numbers = self._partition.rows(), self._gate.lanes.remembered
        status.ids = len(self._gate.ids) if self._gate.ids is not None else 0
        await self._publish(settled.messages)

    async def _publish(self, messages: list[Message]) -> None:
        if messages:
            await deliver(self._broker, messages, self._trouble, self._jitter)
            self._status.sent += len(messages)

    def _trouble(self, reason: str) -> None:
        self._status.trouble("publishing", reason)

    async def republish(self) -> None:
        """Send the checkpoint's outbox again, under the same ids and numbers: its readers know what they have."""
        await self._publish(unpack(self._checkpoint.outbox))

    # --- an event that fails ---

    async def _isolate(self, failure: HandlerFailed) -> None:
        """Commit what lies before the failed event (or group) as a batch of its own; then its events run one by one."""
        envelopes = self._accepted.envelopes
        first, last = envelopes[failure.first].offset, envelopes[failure.upto - 1].offset
        parts = self._taken()
        await self._flushed()
        self._rollback()
        before, rest = cut_at(parts, first)
        self._intake.put_back(rest)
        self._alone_until = max(self._alone_until, last)
        if before:
            await self._guarded(self._complete_batch(before))

    async def _complete_batch(self, parts: list[Part]) -> None:
        """Run these parts as a whole batch, groups closed early, and carry it out."""
        await self._extend(parts)
        if self._turn.deadline is not None:
            await self._run(time_is_up=True)
        self._start_flush()
        await self._flushed()

    async def _next_alone(self, stop: asyncio.Event) -> None:
        await self._flushed()
        if self._parts:
            self._rollback_to_intake()
        parts = self._intake.take(1)
        if not parts:
            await self._wait()
        elif parts[-1].envelopes and parts[-1].envelopes[0].offset > self._alone_until:
            self._intake.put_back(parts)
            self._alone_until = -1
        else:
            await self._try_alone(parts, stop)

    def _rollback_to_intake(self) -> None:
        parts = self._taken()
        self._rollback()
        self._intake.put_back(parts)

    async def _try_alone(self, parts: list[Part], stop: asyncio.Event) -> None:
        """Up to three tries, then a dead letter, in the commit that moves the position past the event."""
        failure: BaseException | None = None
        for delay in LOG_DELAYS:
            await asyncio.sleep(delay)
            try:
                await self._complete_batch(parts)
            except HandlerFailed as failed:
                failure = failed.error
                self._rollback()
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
        for part in parts:
            self._end = part.chunk, part.end
            if part.envelopes:
                self._parts.append(part)
                self._gate.take(part.chunk, part.envelopes, self._accepted)
        for envelope in self._accepted.envelopes:
            self._bury(envelope, error, attempts=1 + len(LOG_DELAYS))
        self._status.dead += len(self._accepted.envelopes)
        self._accepted.values.clear()
        self._start_flush()
        await self._flushed()

    def _bury(self, envelope: Envelope, error: BaseException, *, attempts: int) -> None:
        """Record the dead letter of an event of this batch among its sends."""
        self._outbox.add(
            envelope.offset,
            dead_letter(
                service=self._agent.service,
                agent=self._agent.name,
                source=self._log,
                offset=envelope.offset,
                event_id=envelope.id or f"{self._log}@{envelope.offset}",
                envelope=envelope,
                details=self._reader.details(envelope),
                error=error,
                attempts=attempts,
            ),
        )
