"""Where tests and simulations let the embedded broker fail."""

from enum import Enum
from typing import Protocol

from streams.broker import Message


class Fate(Enum):
    """What becomes of one message that is published."""

    KEPT = "kept"
    """Nothing goes wrong."""
    REFUSED = "refused"
    """A nack: not kept. The messages after it are not touched."""
    UNCONFIRMED = "unconfirmed"
    """Kept, but the connection breaks before the confirm: it and all messages after it in the call are LOST."""
    LOST = "lost"
    """The connection breaks before the broker has it: it and all messages after it in the call are LOST."""


class Break(Enum):
    """How a reader ends."""

    CUT = "cut"
    """The connection breaks: BrokerUnavailable. What is unsettled goes back to its queue."""
    CANCELLED = "cancelled"
    """The broker cancels the consumer: ConsumerCancelled. Readers of logs are cut instead."""


class Faults(Protocol):
    """Asked at every step; decides whether it fails. A seeded one makes a run that can be repeated."""

    def publishing(self, user: str, message: Message) -> Fate:
        """Asked once for each message, in the order of publishing."""

    def delivering(self, target: str) -> Break | None:
        """Asked before a chunk of a log, or a batch of a queue, is handed to a reader."""
