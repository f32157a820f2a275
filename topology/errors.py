"""The errors of this package. The docstring of an error is its default message."""


class TopologyError(Exception):
    """The topology is wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)
