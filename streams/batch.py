"""The open batch of a log agent: what was taken in, the body's run over it, and the commit that it becomes.

One object serves batch after batch: it begins anew when a batch is settled or rolled back.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from stores.errors import StoreError
from stores.port import Checkpoint, Commit
from streams.admission import Admission
from streams.agent import Agent
from streams.body import Body, BodyReturned
from streams.broker import Chunk, Envelope, LogReader, Message
from streams.errors import BrokerError, NotReadable, StreamsError
from streams.gate import Accepted, Gate
from streams.intake import Part, cut_at
from streams.letters import dead_letter
from streams.limits import Limits
from streams.outbox import Outbox, pack
from streams.pace import Pace
from streams.partition import Partition
from streams.pausing import being_cancelled
from streams.source import Source
from streams.stream import Stream
from streams.turn import Turn
from streams.working import Change


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


class Batch:
    """See the module's text. `begin` comes first."""

    def __init__(
        self,
        agent: Agent,
        checkpoint: Checkpoint,
        *,
        source: Source,
        turn: Turn,
        partition: Partition,
        gate: Gate,
        admission: Admission,
        reader: LogReader,
        limits: Limits,
        pace: Pace,
        largest: int,
    ) -> None:
        """`largest`: bytes of a body that the broker takes."""
        self._agent = agent
        self._checkpoint = checkpoint
        self._source = source
        self._turn = turn
        self._partition = partition
        self._gate = gate
        self._admission = admission
        self._reader = reader
        self._limits = limits
        self._pace = pace
        self._largest = largest
        self._lane = f"{agent.service}/{checkpoint.slot}@{checkpoint.birth}"
        self._body = Body(lambda: agent.run(Stream(turn, turn.tracing)))
        self._watermark = checkpoint.watermark
        self._log_time = 0
        """When the log took the last message of the last batch; 0 before the first."""
        self._end: tuple[Chunk, int] | None = None
        self.begin()

    def begin(self) -> None:
        """Start with nothing."""
        self._parts: list[Part] = []
        self._accepted = Accepted()
        self._outbox = Outbox(self._lane, self._limits.bytes)
        self._turn.begin(self._accepted, self._outbox, self._watermark, self._reader)

    # --- how it stands ---

    @property
    def has_messages(self) -> bool:
        """Whether anything was taken in that this agent reads."""
        return bool(self._parts)

    @property
    def has_moved(self) -> bool:
        """Whether its end lies beyond the last commit, be it over skipped messages alone."""
        return self._end is not None

    @property
    def complete(self) -> bool:
        """Whether every event taken in was handled, and no group is being filled."""
        return self._turn.deadline is None and (self._turn.next >= len(self._accepted.values) or self._outbox.full)

    @property
    def room(self) -> int:
        """Messages that may still be taken in."""
        if self._outbox.full or sum(part.bytes for part in self._parts) >= self._limits.bytes:
            return 0
        return self._pace.most - sum(len(part.envelopes) for part in self._parts)

    @property
    def taken(self) -> list[Part]:
        """What was taken in, with what was skipped at its end."""
        if self._end is None or (self._parts and self._parts[-1].end == self._end[1]):
            return self._parts
        chunk, end = self._end
        return [*self._parts, Part(chunk, [], end, 0)]

    def offsets(self, failure: HandlerFailed) -> tuple[int, int]:
        """The offsets of the first and the last event that were at hand when the body failed."""
        envelopes = self._accepted.envelopes
        return envelopes[failure.first].offset, envelopes[failure.upto - 1].offset

    # --- running ---

    async def extend(self, parts: list[Part]) -> None:
        """Take in more, and run the body over it. Raises HandlerFailed."""
        before = len(self._accepted.values)
        self._take_in(parts)
        if self._partition.wants_prefetch:
            fresh = range(before, len(self._accepted.values))
            await self._partition.prefetch([self._turn.event_at(index) for index in fresh])
        await self.run()

    def _take_in(self, parts: list[Part]) -> None:
        for part in parts:
            self._end = part.chunk, part.end
            if part.envelopes:
                self._parts.append(part)
                self._gate.take(part.chunk, part.envelopes, self._accepted)

    async def run(self, *, time_is_up: bool = False) -> None:
        """Let the body handle what was taken in. Raises HandlerFailed."""
        turn, values = self._turn, self._accepted.values
        while time_is_up or (turn.next < len(values) and not self._outbox.full):
            had = turn.next
            try:
                returned = not await self._body.advance(time_is_up)
            except (StoreError, BrokerError, NotReadable):
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

    async def close_groups(self) -> None:
        """Let the body have the group that is being filled as it is."""
        if self._turn.deadline is not None:
            await self.run(time_is_up=True)

    def rollback(self) -> None:
        """Forget what was taken in and done."""
        self._body.close()
        self._partition.rollback()
        self._gate.rollback()
        self._admission.rollback()
        self._end = None
        self.begin()

    def drop(self) -> None:
        """End the body."""
        self._body.close()

    def halve(self, failure: NotWritable) -> None:
        """Take in fewer messages, to find the event whose change cannot be written."""
        self._pace.too_many(failure.upto)

    # --- settling ---

    def settle(self) -> tuple[Settled, list[Part]]:
        """Close the batch: from here on its changes are what later batches see.

        Also gives back the parts that a full outbox kept from the body. Raises HandlerFailed, with nothing done, where
        a change cannot be encoded.
        """
        watermark = self._turn.watermark if self._accepted.values else self._watermark
        changes = self._changes(watermark)
        self._watermark = watermark
        unhandled = self._unhandled()
        taken = len(self._accepted.values)
        handled = taken - self._skipped()
        return self._settled(changes, handled), unhandled

    def _skipped(self) -> int:
        """How many of the events taken in were for this agent alone, and are not awaited."""
        marked = (self._accepted.envelopes[index] for index in self._accepted.marked)
        return sum(self._admission.skipped(envelope) for envelope in marked)

    def settle_dead(self, parts: list[Part], error: BaseException, *, attempts: int) -> Settled:
        """Close a batch of one event that cannot be handled: a dead letter, and the position past it."""
        self._take_in(parts)
        accepted = self._accepted
        for index in accepted.marked:
            self._admission.admits(accepted.envelopes[index], accepted.log_times[index])
        for envelope in accepted.envelopes:
            self._bury(envelope, error, attempts=attempts)
        settled = self._settled(self._changes(self._watermark), handled=0)
        return replace(settled, dead=settled.dead + 1)

    def _settled(self, changes: Mapping[str, list[Change]], handled: int) -> Settled:
        accepted, commit = self._accepted, self._next_commit()
        for envelope, _, error in accepted.undecodable:
            self._bury(envelope, error, attempts=1)
        commit.rows = self._partition.settle(changes)
        repeats = accepted.repeats + self._skipped()
        self._admission.settle(commit)
        if self._end is not None:
            self._log_time = self._end[0].time
        commit.seen, commit.ids, commit.forget_ids_to = self._gate.settle(commit.position, self._log_time)
        messages = self._outbox.messages()
        commit.outbox = pack(messages)
        self._end = None
        self.begin()
        return Settled(commit, messages, handled, repeats, len(accepted.undecodable), self._log_time)

    def _changes(self, watermark: int) -> Mapping[str, list[Change]]:
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

    def _unhandled(self) -> list[Part]:
        """Take what the body has not had, because the outbox is full, out of the batch again."""
        if not self._outbox.full or self._turn.next >= len(self._accepted.values):
            return []
        handled, rest = cut_at(self._parts, self._accepted.envelopes[self._turn.next].offset)
        self._gate.rollback()
        self._parts, self._accepted = [], Accepted()
        self._take_in(handled)
        return rest

    def _bury(self, envelope: Envelope, error: BaseException, *, attempts: int) -> None:
        """Record the dead letter of an event of this batch among its sends."""
        self._outbox.add(
            envelope.offset,
            dead_letter(
                service=self._agent.service,
                agent=self._agent.name,
                source=self._source.log,
                offset=self._admission.bury(envelope, self._source.offset(envelope)),
                event_id=envelope.id or self._source.place(envelope),
                envelope=envelope,
                details=self._reader.details(envelope),
                error=error,
                attempts=attempts,
                largest=self._largest,
            ),
        )
