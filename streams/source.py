"""Sources: a partition of a log, as an agent reads it.

A log with `partitions: N` stays the intake, to which anyone publishes. Its forwarder copies it to the streams `NAME-0`
… `NAME-N-1`, and those are what agents read. What an event is known by stays what it was in the intake.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from streams.broker import Envelope
from streams.outbox import INDEX_BITS
from topology.spec import Log


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: CRC-32 of its UTF-8, modulo their number. Fixed for good: rows lie by it."""
    return crc32(key.encode()) % partitions


@dataclass(frozen=True, slots=True)
class Source:
    """One partition of a log."""

    log: str
    """As the topology declares it, and as events name it: the intake."""
    stream: str
    """What is read."""
    partition: int = 0
    partitions: int = 1
    edition: int = 1

    @property
    def forwarded(self) -> bool:
        """Whether a forwarder stands between the log and this partition."""
        return self.partitions > 1

    @property
    def reunited(self) -> bool:
        """Whether the log had partitions once, and is read whole again."""
        return self.partitions == 1 and self.edition > 1

    def offset(self, envelope: Envelope) -> int:
        """The event's offset in the log, the intake: a forwarder numbers what it forwards by it."""
        return envelope.seq >> INDEX_BITS if self.forwarded else envelope.offset

    def place(self, envelope: Envelope) -> str:
        """What stands for an event that has no id; forwarders give one to what has none."""
        return f"{self.stream}@{envelope.offset}"

    def owns(self, key: str) -> bool:
        """Whether events with this key come here, and so its rows lie here."""
        return self.partitions == 1 or partition_of(key, self.partitions) == self.partition


def sources(log: Log) -> Iterator[Source]:
    """The partitions of a log."""
    for partition, stream in enumerate(log.partition_names):
        yield Source(log.name, stream, partition, log.partitions, log.edition)
