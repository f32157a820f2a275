"""The driver's errors, in this package's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from stores.errors import SchemaMissing, StoreError, StoreRefused, StoreUnavailable

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

_MISSING = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError)
_REFUSED = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
)
_FAULTY = (asyncpg.DataError, asyncpg.exceptions.DataError, asyncpg.IntegrityConstraintViolationError)
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


@contextmanager
def translated() -> Iterator[None]:
    """The driver's errors leave as StoreErrors, with the driver's as the cause."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise translation(error) from error


def is_refusal(error: BaseException) -> bool:
    """Whether the server says that it has not done what it was asked for, or was not even asked.

    A server that ends the session says FATAL, and that alone does not tell whether it had done it before.
    """
    # What the driver itself cannot encode has no severity.
    said = isinstance(error, asyncpg.PostgresError) and error.severity_en == "ERROR"
    return said or isinstance(error, asyncpg.DataError)


def translation(error: BaseException) -> StoreError:
    """What a driver's error means to the caller of a store."""
    text = str(error) or type(error).__name__
    if isinstance(error, _MISSING):
        return SchemaMissing(f"PostgreSQL lacks what is asked for ({text}): run `warren stores apply`")
    if isinstance(error, _REFUSED):
        return StoreRefused(f"PostgreSQL refuses ({text}): check the URL, the role and its rights")
    if isinstance(error, _FAULTY):
        return StoreError(f"PostgreSQL cannot keep this ({text})")
    if isinstance(error, _UNAVAILABLE):
        return StoreUnavailable(f"PostgreSQL cannot be used now ({text}): nothing was written; try again")
    return StoreError(f"PostgreSQL: {text}")
