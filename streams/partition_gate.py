"""The gate of a partition: takes in what the log's forwarder has put there, as if it stood in the log itself."""

from itertools import groupby
from operator import attrgetter

from streams.broker import Chunk, Envelope
from streams.errors import NotDecodable
from streams.gate import Accepted, Gate

_log_time = attrgetter("log_time")


class PartitionGate(Gate):
    """Repeats are known by the forwarder's numbers alone: it has judged its senders' already."""

    def take(self, chunk: Chunk, envelopes: list[Envelope], into: Accepted) -> None:
        """See Gate; the time of the log is that of the intake."""
        for log_time, run in groupby(envelopes, key=_log_time):
            forwarded = [envelope for envelope in run if self._is_forwarded(envelope, chunk, into)]
            super().take(Chunk(chunk.first, log_time, chunk.raws), forwarded, into)

    def _is_forwarded(self, envelope: Envelope, chunk: Chunk, into: Accepted) -> bool:
        if envelope.log_time >= 0 and envelope.lane and envelope.user in self._trusted:
            return True
        error = NotDecodable("it was published to a partition, past the forwarder: publish it to the log itself")
        into.undecodable.append((envelope, chunk.time, error))
        return False
