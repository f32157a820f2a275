"""The errors of this package. An error's docstring is its default message; drivers' errors are kept as `__cause__`."""


class StreamsError(Exception):
    """The engine cannot do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


# --- brokers ---


class BrokerError(StreamsError):
    """The broker cannot do what was asked."""


class BrokerUnavailable(BrokerError):
    """The broker cannot be reached, or the connection broke: try again."""


class ConsumerCancelled(BrokerUnavailable):
    """The broker has cancelled the consumer (its queue was deleted or moved): attach again."""


class NoSuchTarget(BrokerError):
    """The broker has no such queue, log or exchange: run `warren topology apply`."""


class AccessRefused(BrokerError):
    """The broker refused the user, or what it asked for."""


# --- declarations ---


class DeclarationError(StreamsError):
    """An agent, topic or table is declared wrongly."""


# --- handling ---


class NotDecodable(StreamsError):
    """The message is not what its type says."""


class NotReadable(StreamsError):
    """A table's row is not what its type says. No event is to blame: the agent pauses until it can be read."""


class WrongValue(StreamsError):
    """This value is not of the type of its table or documents: nobody could read it again."""


class SendRefused(StreamsError):
    """This message cannot be sent: its target, size or headers are not allowed."""


class NotLoaded(StreamsError):
    """This key was not loaded with its batch: `await table.load(key)` first, or name it in the table's `keys=`."""


class NotOwned(StreamsError):
    """This key's row lies in another partition: regroup the stream by the key, or declare `merge=` for the table."""


class OutsideAgent(StreamsError):
    """Tables and sends belong to an agent: use them from an agent's body only."""


class Conflict(StreamsError):
    """The document has changed since it was read: read it again."""


class Halted(StreamsError):
    """The agent has stopped on this partition until somebody looks: its log is not the one it has read so far."""


class Outdated(Halted):
    """What the agent keeps was moved to another edition of its log: this worker's topology is not the one in force."""
