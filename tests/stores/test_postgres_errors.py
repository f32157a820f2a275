"""Which of the driver's errors say that nothing was written."""

import asyncpg
import pytest

from stores.postgres_errors import is_refusal


def said(kind: type[asyncpg.PostgresError], severity: str) -> asyncpg.PostgresError:
    """An error as the server has sent it."""
    error = kind("said so")
    error.severity_en = severity
    return error


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (said(asyncpg.UndefinedTableError, "ERROR"), True),
        (said(asyncpg.DeadlockDetectedError, "ERROR"), True),
        (said(asyncpg.QueryCanceledError, "ERROR"), True),
        (said(asyncpg.AdminShutdownError, "FATAL"), False),
        (said(asyncpg.CrashShutdownError, "PANIC"), False),
        (asyncpg.DataError("the driver cannot send this"), True),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle of an operation"), False),
        (asyncpg.InterfaceError("the connection is closed"), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
    ],
)
def test_a_statement_has_done_nothing_where_the_server_refused_it_or_was_not_asked(
    error: Exception, refused: bool
) -> None:
    assert is_refusal(error) is refused
