"""The driver's errors, in this package's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo import errors

from stores.errors import CommitUnknown, StoreError, StoreRefused, StoreUnavailable

DRIVER_ERRORS = (errors.PyMongoError, BSONError)

UNKNOWN = "UnknownTransactionCommitResult"
AGAIN = "TransientTransactionError"
DUPLICATE = 11000
_REFUSED = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and how hosted servers say the latter."""
_TOO_LARGE = frozenset({10334, 17419, 17420})
_NOT_NOW = frozenset({50, 91, 112, 189, 251, 262, 10107, 11600, 11602, 13435, 13436, 14031})
"""Time is up, shutting down, write conflict, no longer primary, transaction gone, …, disk full."""


@contextmanager
def translated(*, writing: bool = False) -> Iterator[None]:
    """The driver's errors leave as StoreErrors, with the driver's as the cause.

    `writing`: a connection that breaks inside leaves it open whether what was sent was done.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        raise translation(error, writing) from error


def translation(error: BaseException, writing: bool = False) -> StoreError:
    """What a driver's error means to the caller of a store."""
    text = str(error) or type(error).__name__
    if isinstance(error, errors.PyMongoError) and error.has_error_label(UNKNOWN):
        return CommitUnknown()
    if isinstance(error, errors.InvalidURI | errors.ConfigurationError):
        # Not its text: a part of the password may be in it.
        return StoreRefused("this MongoDB cannot be used: write mongodb://user:password@host:27017/?replicaSet=…")
    if isinstance(error, errors.ServerSelectionTimeoutError):
        return StoreUnavailable(f"MongoDB cannot be reached ({text}): nothing was written; try again")
    if isinstance(error, errors.ConnectionFailure):
        return CommitUnknown() if writing else StoreUnavailable(f"MongoDB cannot be reached ({text}): try again")
    if isinstance(error, errors.DocumentTooLarge | BSONError) or code_of(error) in _TOO_LARGE:
        return StoreError(f"MongoDB cannot keep this ({text}): a row, an outbox has 16 MB at the most")
    if code_of(error) in _REFUSED:
        return StoreRefused(f"MongoDB refuses ({text}): check the URL, the user and its rights")
    if code_of(error) in _NOT_NOW or isinstance(error, errors.ExecutionTimeout):
        return StoreUnavailable(f"MongoDB cannot be used now ({text}): nothing was written; try again")
    return StoreError(f"MongoDB: {text}")


def code_of(error: BaseException) -> int | None:
    """MongoDB's number of an error; of a batch, of the first in it."""
    if isinstance(error, errors.BulkWriteError):
        return next((failed["code"] for failed in (error.details or {}).get("writeErrors", ())), error.code)
    return error.code if isinstance(error, errors.OperationFailure) else None
