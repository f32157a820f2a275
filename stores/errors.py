"""The errors of this package: an error's docstring is its default message; drivers' errors are kept as `__cause__`."""


class StoreError(Exception):
    """The store cannot do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class Fenced(StoreError):
    """Another worker has taken this slot over: nothing was written."""


class CommitUnknown(StoreError):
    """The connection broke while committing: the commit may or may not have happened."""


class StoreUnavailable(StoreError):
    """The store cannot be reached: nothing was written; try again."""


class StoreRefused(StoreError):
    """The store's settings do not give the guarantee that was asked for."""


class SchemaMissing(StoreError):
    """The store lacks tables: run `warren stores apply`."""
