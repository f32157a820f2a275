"""Taking in: which messages of a log count, decoded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from stores.port import IdRow
from streams.admission import Marks
from streams.broker import Chunk, Envelope
from streams.codec import ANY_TYPE, Decode, explain
from streams.errors import NotDecodable
from streams.lanes import Lanes
from streams.recent import RecentIds

MAX_AHEAD = 3_600_000
"""An event from more than an hour (in ms) after its log took it would drag the watermark along: a dead letter."""


@dataclass(slots=True)
class Accepted:
    """The events of a batch that count, side by side, and those that cannot be."""

    values: list[Any] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    log_times: list[int] = field(default_factory=list)
    undecodable: list[tuple[Envelope, int, NotDecodable]] = field(default_factory=list)
    marked: set[int] = field(default_factory=set)
    """Which of them are for this agent alone: whether they count is judged when their turn comes. The value of one that
    is not decodable is the NotDecodable."""
    repeats: int = 0


class Gate:
    """Tells repeats from news, and decodes. What it noted since the last `settle` can be forgotten again."""

    def __init__(
        self,
        decoders: Mapping[str, Decode],
        *,
        lanes: Lanes,
        ids: RecentIds | None,
        trusted: Collection[str],
        place: str = "",
    ) -> None:
        """Lanes and marks count only from `trusted` users; `place` is the agent's, `service/agent`."""
        self._decoders = decoders
        self._any = decoders.get(ANY_TYPE)
        self._trusted = trusted
        self.marks = Marks(place, trusted)
        self.lanes = lanes
        self.ids = ids

    def take(self, chunk: Chunk, envelopes: list[Envelope], into: Accepted) -> None:
        """Judge and decode the messages of a chunk, in order."""
        log_time = chunk.time
        limit = log_time + MAX_AHEAD
        decoders, otherwise, trusted = self._decoders, self._any, self._trusted
        values, kept, times = into.values.append, into.envelopes.append, into.times.append
        ids_fresh = self.ids.fresh if self.ids is not None else None
        before = len(into.values)
        for envelope in envelopes:
            if (envelope.schedule or envelope.only) and self._take_marked(envelope, log_time, into):
                continue
            if envelope.lane and envelope.user in trusted:
                fresh = self.lanes.fresh(envelope.lane, envelope.seq, envelope.floor, log_time)
            else:
                fresh = ids_fresh is None or not envelope.id or ids_fresh(envelope.id)
            if not fresh:
                into.repeats += 1
                continue
            time = envelope.time if envelope.time >= 0 else log_time
            try:
                value = (decoders.get(envelope.type) or otherwise or _unknown(envelope))(envelope.body)
                if time > limit:
                    raise NotDecodable(_ahead(time, log_time))
            except (msgspec.MsgspecError, NotDecodable, UnicodeDecodeError, RecursionError) as error:
                problem = error if isinstance(error, NotDecodable) else explain(error)
                into.undecodable.append((envelope, log_time, problem))
                continue
            values(value)
            kept(envelope)
            times(time)
        into.log_times.extend([log_time] * (len(into.values) - before))

    def _take_marked(self, envelope: Envelope, log_time: int, into: Accepted) -> bool:
        """Take a message that is for one agent alone, or leave it out; False where nobody vouches for its mark."""
        if not self.marks.marked(envelope):
            return False
        if not self.marks.mine(envelope):
            return True
        if envelope.lane and not self.lanes.fresh(envelope.lane, envelope.seq, envelope.floor, log_time):
            into.repeats += 1
            return True
        into.marked.add(len(into.values))
        into.values.append(self._decoded(envelope, log_time))
        into.envelopes.append(envelope)
        into.times.append(envelope.time if envelope.time >= 0 else log_time)
        return True

    def _decoded(self, envelope: Envelope, log_time: int) -> Any:
        decoders = self._decoders
        if envelope.only and envelope.time > log_time + MAX_AHEAD:
            return NotDecodable(_ahead(envelope.time, log_time))
        try:
            return (decoders.get(envelope.type) or self._any or _unknown(envelope))(envelope.body)
        except NotDecodable as error:
            return error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return explain(error)

    def settle(self, position: int, log_time: int) -> tuple[bytes, IdRow | None, int]:
        """End a batch: (lanes packed, ids to store, position up to which stored ids are forgotten)."""
        row, forget = (None, -1) if self.ids is None else self.ids.settle(position, log_time)
        return self.lanes.settle(log_time), row, forget

    def rollback(self) -> None:
        """Forget what was noted since the last `settle`."""
        self.lanes.rollback()
        if self.ids is not None:
            self.ids.rollback()


def _unknown(envelope: Envelope) -> Decode:
    if not envelope.type:
        raise NotDecodable("the message has no type (AMQP property `type`), or is not an AMQP message at all")
    raise NotDecodable(f"unknown type {envelope.type!r}: no service declares that it publishes it")


def _ahead(time: int, log_time: int) -> str:
    hours = (time - log_time) / 3_600_000
    return f"its time is {hours:.1f} h ahead of the log's: the publisher's clock or the unit of `time` (ms) is wrong"
