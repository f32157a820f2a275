"""The errors of this package. The docstring of an error is its default message; drivers' errors are kept as `__cause__`."""


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
