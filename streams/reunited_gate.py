"""The gate of a log that had partitions and is read whole again: what was counted out of them counts as read."""

from collections.abc import Collection, Mapping
from itertools import groupby

from streams.broker import Chunk, Envelope
from streams.codec import Decode
from streams.editions import reunion_lane
from streams.gate import Accepted, Gate
from streams.lanes import Lanes
from streams.outbox import INDEX_BITS
from streams.recent import RecentIds
from streams.source import Source


class ReunitedGate(Gate):
    """See the module's text. Of what was counted it is noted who sent it: repeats of it may come."""

    def __init__(
        self,
        source: Source,
        position: int,
        decoders: Mapping[str, Decode],
        *,
        lanes: Lanes,
        ids: RecentIds | None,
        trusted: Collection[str],
        place: str,
    ) -> None:
        """As Gate; `position` is where the agent begins to read."""
        super().__init__(decoders, lanes=lanes, ids=ids, trusted=trusted, place=place)
        self._counted = _still_to_come(lanes, source, position)

    def take(self, chunk: Chunk, envelopes: list[Envelope], into: Accepted) -> None:
        """See Gate."""
        if not self._counted:
            super().take(chunk, envelopes, into)
            return
        for was_counted, run in groupby(envelopes, key=lambda envelope: envelope.offset in self._counted):
            if was_counted:
                into.repeats += self._note(list(run), chunk.time)
            else:
                super().take(chunk, list(run), into)

    def _note(self, envelopes: list[Envelope], log_time: int) -> int:
        for envelope in envelopes:
            if envelope.lane and envelope.user in self._trusted:
                self.lanes.fresh(envelope.lane, envelope.seq, envelope.floor, log_time)
            elif self.ids is not None and envelope.id:
                self.ids.fresh(envelope.id)
        return len(envelopes)


def _still_to_come(lanes: Lanes, source: Source, position: int) -> frozenset[int]:
    """Offsets beyond `position` that were counted before. All others are forgotten, and the edition is marked."""
    lane = reunion_lane(source.log, source.edition)
    numbers = lanes.numbers(lane, (position + 1) << INDEX_BITS)
    lanes.carry(lane, max(0, lanes.floor(lane)), numbers)
    return frozenset(number >> INDEX_BITS for number in numbers)
