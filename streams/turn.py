"""One batch of a log agent, as its body, its tables and its sends see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

from streams.addressing import Addressing, Cause
from streams.admission import Admission
from streams.body import need
from streams.broker import Reader
from streams.errors import DeclarationError, NotDecodable
from streams.event import Event
from streams.gate import Accepted
from streams.keys import Key, row_key
from streams.outbox import Outbox
from streams.record import Record
from streams.schedule import Schedule
from streams.source import Source
from streams.topic import Draft, Topic
from streams.tracing import AgentTracing

Load = Callable[[str, list[str]], Awaitable[None]]


class Turn:
    """Feeds the body, knows which event is at hand, and collects sends. One a partition; `begin` starts each batch."""

    def __init__(
        self,
        source: Source,
        addressing: Addressing,
        load: Load,
        *,
        admission: Admission,
        schedule: Schedule,
        quiet: int,
    ) -> None:
        """Events up to offset `quiet` send nothing: before a reset they did."""
        self._source = source
        self._addressing = addressing
        self._load = load
        self._admission = admission
        self._schedule = schedule
        self._quiet = quiet
        self._reader: Reader
        self._accepted = Accepted()
        self._outbox: Outbox
        self._base_watermark = 0
        self._peak = (0, 0)
        self._cause: tuple[int, Cause] | None = None
        self._events: dict[int, Event[Any]] = {}
        """Those of the batch that somebody has asked for, by index."""
        self.index = -1
        """The event at hand (of a group, the last)."""
        self.first = 0
        """The first event of what is at hand: of the group, or the event itself."""
        self.next = 0
        """The first event that the body has not had."""
        self.serial = 0
        """Number of the batch."""
        self.deadline: float | None = None
        """While a group is being filled: when it is closed, by the event loop's clock."""

    def begin(self, accepted: Accepted, outbox: Outbox, watermark: int, reader: Reader) -> None:
        """Start a batch on these events; more may be added to them while it runs."""
        self._accepted = accepted
        self._outbox = outbox
        self._reader = reader
        self._base_watermark = watermark
        self._peak = (0, watermark)
        self._cause = None
        self._events = {}
        self.serial += 1
        self.index, self.first, self.next, self.deadline = -1, 0, 0, None

    # --- the stream's feed ---

    async def values(self) -> AsyncIterator[Any]:
        """One value after another."""
        while True:
            values = self._accepted.values
            for index in self._counting(range(self.next, len(values))):
                self.index = self.first = index
                self.next = index + 1
                yield values[index]
                if self._outbox.bytes and self._outbox.full:
                    break
            await need

    def _counting(self, indices: range) -> Iterable[int]:
        """Those of these events that count."""
        if not self._accepted.marked:
            return indices
        return (index for index in indices if self._counts(index))

    def _counts(self, index: int) -> bool:
        """Whether the event, whose turn it is, counts. Raises NotDecodable where it would."""
        accepted = self._accepted
        if index not in accepted.marked:
            return True
        if not self._admission.admits(accepted.envelopes[index], accepted.log_times[index]):
            self.next = index + 1
            accepted.times[index] = 0  # what does not count moves no watermark
            return False
        value = accepted.values[index]
        if isinstance(value, NotDecodable):
            self.index = self.first = index
            self.next = index + 1
            raise value
        return True

    async def groups(self, size: int, within: float) -> AsyncIterator[list[Any]]:
        """Values in groups of up to `size`, closed when the runner says that `within` seconds are over."""
        while True:
            group = await self._fill(size, within)
            self.index = self.next - 1
            yield group
            if self._outbox.full:
                await need

    async def _fill(self, size: int, within: float) -> list[Any]:
        group: list[Any] = []
        while len(group) < size:
            if self.next < len(self._accepted.values):
                if not self._counts(self.next):
                    continue
                if not group:
                    self.first = self.next
                group.append(self._accepted.values[self.next])
                self.next += 1
                continue
            if group and self.deadline is None:
                self.deadline = asyncio.get_running_loop().time() + within
            if await need and group:
                break
        self.deadline = None
        return group

    @property
    def event(self) -> Event[Any]:
        """The event at hand."""
        return self.event_at(self.index)

    def event_at(self, index: int) -> Event[Any]:
        """The `index`th event of the batch."""
        event = self._events.get(index)
        if event is None:
            event = self._events[index] = self._made(index)
        return event

    def _made(self, index: int) -> Event[Any]:
        accepted = self._accepted
        envelope = accepted.envelopes[index]
        return Event(
            accepted.values[index],
            envelope,
            source=self._source.log,
            time_ms=accepted.times[index],
            log_time_ms=accepted.log_times[index],
            reader=self._reader,
            place=self._source.place(envelope),
        )

    @property
    def tracing(self) -> AgentTracing | None:
        """The spans of what is handled, if anybody wants them."""
        return self._addressing.tracing

    # --- what tables ask ---

    @property
    def time_ms(self) -> int:
        """When the event at hand happened."""
        return self._accepted.times[self.index]

    @property
    def watermark(self) -> int:
        """The highest event time up to the event at hand: a function of the log, wherever batches end."""
        done, peak = self._peak
        upto = self.index + 1
        if upto > done:
            peak = max(peak, *self._accepted.times[done:upto])
            self._peak = upto, peak
        return peak

    async def load(self, table: str, keys: list[str]) -> None:
        """Load rows of a table that is not resident."""
        await self._load(table, keys)

    def regrouped(
        self, key: Callable[[Any], Key], topic: Topic[Any], wanted: tuple[Callable[[Any], bool], ...]
    ) -> None:
        """What is read is regrouped already, unless the agent asked for it too late."""
        if topic.names != (self._source.log,):
            raise DeclarationError(
                f"`group_by` through {topic!r} was not foreseen when the agent was started: call it first in the body, "
                "whatever the body does later"
            )

    # --- sends ---

    def send(self, draft: Draft) -> None:
        """Record a send of the event at hand."""
        offset = self._accepted.envelopes[self.index].offset
        message = self._addressing.message(draft, self._cause_at_hand(), self._outbox.next_index(offset))
        if offset > self._quiet:
            self._outbox.add(offset, message)

    def _cause_at_hand(self) -> Cause:
        if self._cause is None or self._cause[0] != self.index:
            self._cause = self.index, self._addressing.cause(self.event)
        return self._cause[1]

    # --- due times ---

    def schedule(self, key: Key, at: datetime, record: Record) -> None:
        """Set a due time of the event at hand."""
        due = self._schedule.due_time(key, at, record, self._cause_at_hand())
        self._schedule.check_owned(due.key, self._source)
        self._admission.schedule(due)

    def unschedule(self, key: Key) -> None:
        """Clear a due time."""
        self._admission.unschedule(row_key(key))
