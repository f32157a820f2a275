"""The driver's errors, in this package's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions

from stores.errors import CommitUnknown, StoreError, StoreRefused, StoreUnavailable

DRIVER_ERRORS = (exceptions.RedisError, OSError)

_REFUSED = (
    exceptions.AuthenticationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
)
_BROKEN = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)
_NOT_NOW = (
    exceptions.BusyLoadingError,
    exceptions.MaxConnectionsError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
    exceptions.LockError,
)
_NOT_NOW_TEXTS = ("MISCONF", "NOREPLICAS", "BUSY", "UNKILLABLE")
"""How answers begin, for which the driver has no class: the disk is full, replicas are missing, a script takes long."""


@contextmanager
def translated(*, writing: bool = False) -> Iterator[None]:
    """The driver's errors leave as StoreErrors, with the driver's as the cause.

    `writing`: a connection that breaks inside leaves it open whether Redis has done what was sent.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        raise translation(error, writing) from error


def translation(error: BaseException, writing: bool = False) -> StoreError:
    """What a driver's error means to the caller of a store."""
    text = str(error) or type(error).__name__
    if isinstance(error, _REFUSED):
        return StoreRefused(f"Redis refuses ({text}): check the URL, the user and its rights")
    if isinstance(error, _NOT_NOW) or text.startswith(_NOT_NOW_TEXTS):
        return StoreUnavailable(f"Redis cannot be used now ({text}): nothing was written; try again")
    if isinstance(error, _BROKEN):
        return CommitUnknown() if writing else StoreUnavailable(f"Redis cannot be reached ({text}): try again")
    return StoreError(f"Redis: {text}")
