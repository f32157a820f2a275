"""The errors of this package. The docstring of an error is its default message.

Errors of drivers are kept as `__cause__`.
"""

from collections.abc import Iterable

from topology.faults import Fault


class TopologyError(Exception):
    """The topology is wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidTopology(TopologyError):
    """The topology files have errors. `faults` holds every error and warning, in the order of the files."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(("the topology files have errors", *map(str, self.faults))))


class BrokerUnreachable(TopologyError):
    """The management API of RabbitMQ cannot be reached."""


class BrokerRefused(TopologyError):
    """RabbitMQ refused a request of the topology tool."""
