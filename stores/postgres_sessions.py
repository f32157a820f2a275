"""Connections to one PostgreSQL server, each of them checked, and what a break of one means."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from stores.errors import CommitUnknown, StoreRefused, StoreUnavailable
from stores.postgres_errors import DRIVER_ERRORS, is_refusal, translated

_OLDEST = 13
_SETTINGS = """
SELECT current_setting('server_version_num') AS version, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit, pg_is_in_recovery()::text AS standby
"""
_LONGEST_NAME = 63
READ_WHOLE = "SET LOCAL enable_seqscan = on"
"""For a transaction that reads whole tables."""
# The driver sends a statement that is new to a session in two messages. While the server waits for the second one it
# takes the session to be at work: `idle_in_transaction_session_timeout` and `statement_timeout` do not end it (M).
_END_STOPPED = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = $1 AND datname = current_database() AND usename = current_user
  AND backend_xid IS NOT NULL AND state = 'active' AND wait_event = 'ClientRead'
  AND state_change < clock_timestamp() - make_interval(secs => $2)
"""


def refusal(settings: Mapping[str, str]) -> str | None:
    """Why a server with these settings cannot keep a store's promises; None if it can."""
    if int(settings["version"]) < _OLDEST * 10_000:
        return f"PostgreSQL {_OLDEST} or later is needed"
    if settings["fsync"] == "off":
        return "fsync is off, so a power loss may destroy the database: set it to on"
    if settings["synchronous_commit"] == "off":
        return "synchronous_commit is off, so commits may be lost: set it to on for this role and database"
    if settings["standby"] == "true":
        return "this server is a standby: name the primary in the URL, or add target_session_attrs=primary to it"
    return None


class Connection(asyncpg.Connection):
    """A session that nothing of a store changes, so that there is nothing to reset when it goes back to the pool."""

    def get_reset_query(self) -> str:
        return ""


@dataclass(frozen=True)
class Limits:
    """Of a pool of sessions."""

    sessions: int
    timeout: float
    """Seconds for one statement, and for a free session."""
    idle_transaction: float
    """Seconds after which the server ends a transaction whose client says nothing."""


class Sessions:
    """A pool of checked connections."""

    def __init__(self, url: str, name: str, limits: Limits) -> None:
        """`name` tells the server's administrator whose connections these are."""
        self._url = url
        self._name = name
        self._limits = limits
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connect once. Raises StoreRefused, StoreUnavailable."""
        if self._pool is not None:
            return
        settings = {
            "application_name": self._name,
            "idle_in_transaction_session_timeout": str(max(1, int(self._limits.idle_transaction * 1000))),
            # Compiling a statement never pays for itself here: no statement computes much.
            "jit": "off",
            # A session keeps the plans of its statements, and makes them while tables are new and small: reading all
            # of a table is then the cheapest, and stays the plan while it grows (M: 3,000 rows, a third of its time).
            "enable_seqscan": "off",
            # Nor would a plan get better by what it is for: every one goes by an index.
            "plan_cache_mode": "force_generic_plan",
        }
        with translated():
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=1,
                max_size=self._limits.sessions,
                timeout=self._limits.timeout,
                command_timeout=self._limits.timeout,
                init=_check,
                connection_class=Connection,
                server_settings=settings,
            )

    async def close(self) -> None:
        """Waits for sessions in use. May be called twice."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def end_stopped(self, session: PoolConnectionProxy) -> None:
        """End transactions of this name, of any process, whose client has stopped in the middle of a statement.

        The server itself ends those whose client has stopped between two statements."""
        await session.execute(_END_STOPPED, self._name[:_LONGEST_NAME], self._limits.idle_transaction)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[PoolConnectionProxy]:
        """A session of one's own. The driver's errors come as ours."""
        if self._pool is None:
            raise StoreUnavailable("the store is not open: call `open` first")
        with translated():
            async with self._pool.acquire(timeout=self._limits.timeout) as session:
                try:
                    yield session
                except TimeoutError:
                    # Of no use any more: whatever it still does, the server undoes when the connection breaks.
                    _break(session)
                    raise

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[PoolConnectionProxy]:
        """For one statement, which is then a transaction of its own: one message there and back.

        Raises CommitUnknown where its answer is missing; where the server has refused it, nothing was written.
        """
        async with self.session() as session:
            try:
                yield session
            except DRIVER_ERRORS as error:
                if is_refusal(error):
                    raise
                _break(session)
                raise CommitUnknown(self._unanswered(error)) from error

    def _unanswered(self, error: BaseException) -> str | None:
        if not isinstance(error, TimeoutError):
            return None
        return (
            f"PostgreSQL has not answered within {self._limits.timeout:g} s: nobody knows whether it has committed. "
            "See that it keeps up; less at once is tried next"
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnectionProxy]:
        """All of what is done inside, or none.

        Raises CommitUnknown where the answer to COMMIT is missing; for all else nothing was written.
        """
        async with self.session() as session:
            transaction = session.transaction()
            await transaction.start()
            try:
                yield session
            except TimeoutError:
                # To roll back would be to wait for the same silent server again.
                raise
            except BaseException:
                with suppress(*DRIVER_ERRORS):
                    await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except DRIVER_ERRORS as error:
                _break(session)
                raise CommitUnknown() from error


def _break(session: PoolConnectionProxy) -> None:
    # The pool has already taken a session back whose connection is lost.
    with suppress(asyncpg.InterfaceError):
        session.terminate()


async def _check(connection: asyncpg.Connection) -> None:
    settings = await connection.fetchrow(_SETTINGS)
    reason = settings and refusal(dict(settings))
    if reason:
        raise StoreRefused(reason)
