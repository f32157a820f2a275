"""The gate of the log of dead letters."""

from streams.broker import Chunk, Envelope
from streams.gate import Accepted, Gate
from streams.lanes import Lanes
from streams.recent import RecentIds
from streams.topic import Topic


class LetterGate(Gate):
    """Takes dead letters as they come.

    What they carry belongs to their first way: numbers of senders in no order, marks, and a time that may be why they
    died. None of it counts here.
    """

    def __init__(self, topic: Topic[bytes], lanes: Lanes, ids: RecentIds | None) -> None:
        super().__init__(topic.decoders, lanes=lanes, ids=ids, trusted=())

    def take(self, chunk: Chunk, envelopes: list[Envelope], into: Accepted) -> None:
        """See Gate; an event's time is the log's."""
        for envelope in envelopes:
            envelope.time = -1
        super().take(chunk, envelopes, into)
