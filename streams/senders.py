"""Senders: which of the messages that come into a partitioned log are news. Its forwarder asks, for all who read it."""

from collections.abc import Collection

from stores.port import Checkpoint, IdRow
from streams.broker import Envelope
from streams.lanes import Lanes
from streams.recent import RecentIds


class Senders:
    """Tells repeats from news: by their numbers where a lane counts, else by message ids."""

    def __init__(self, checkpoint: Checkpoint, ids: RecentIds | None, trusted: Collection[str]) -> None:
        """Lanes and marks count only from `trusted` users."""
        self.lanes = Lanes(checkpoint.seen)
        self.ids = ids
        self._trusted = trusted

    def fresh(self, envelope: Envelope, log_time: int) -> bool:
        """Take note of a message; False if it was read before."""
        trusted = envelope.user in self._trusted
        if trusted and envelope.lane:
            return self.lanes.fresh(envelope.lane, envelope.seq, envelope.floor, log_time)
        if trusted and (envelope.schedule or envelope.only):
            return True  # whoever it is meant for judges it
        return self.ids is None or not envelope.id or self.ids.fresh(envelope.id)

    def marks(self, envelope: Envelope) -> dict[str, str]:
        """The headers that say whose due time, or whose dead letter, a message is, where its user may say so."""
        if envelope.user not in self._trusted:
            return {}
        found = {"schedule": envelope.schedule, "only": envelope.only}
        return {name: mark for name, mark in found.items() if mark}

    def settle(self, position: int, log_time: int) -> tuple[bytes, IdRow | None, int]:
        """End a batch: (lanes packed, ids to store, position up to which stored ids are forgotten)."""
        row, forget = (None, -1) if self.ids is None else self.ids.settle(position, log_time)
        return self.lanes.settle(log_time), row, forget
