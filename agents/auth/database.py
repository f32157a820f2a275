"""The database of accounts: PostgreSQL (a schema) or SQLite (a file), by SQLAlchemy."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import aiosqlite
import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from agents.auth.errors import AccountError, AccountsMissing, AccountsRefused, AccountsUnavailable

SESSIONS: Final = 8
TIMEOUT: Final = 10.0
"""Seconds for one statement, and for a free connection."""

_AGAIN: Final = 0.02
"""Seconds until a busy file is asked again."""
_FILES: Final = {".db", ".sqlite", ".sqlite3"}
_MISSING: Final = {"42P01", "42703", "3F000"}
"""PostgreSQL's codes for a table, a column and a schema that are not there; SQLite has words alone."""
_ALONE: Final = "SELECT pg_try_advisory_xact_lock(hashtext('warren accounts'), hashtext(current_schema() || :what))"


class Database:
    """Transactions on accounts. Connects when it is first used, and again after a failure."""

    def __init__(self, engine: AsyncEngine, schema: str | None) -> None:
        """`schema` is where the tables are, on servers that have schemas."""
        self.engine = engine
        self.schema = schema

    @property
    def own(self) -> bool:
        """Whether no other machine can have it: it may be given its tables without being asked."""
        return self.schema is None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """All of what is done inside, or none. Raises AccountsUnavailable, AccountsMissing."""
        with translated():
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """The same, below the models. Raises the same."""
        with translated():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[bool]:
        """Whether nobody else is inside with the same `what`; SQLite's file has one process anyway."""
        if self.own:
            yield True
            return
        async with self.connection() as connection:
            yield bool(await connection.scalar(text(_ALONE), {"what": what}))

    async def close(self) -> None:
        """Closes every connection. May be called twice."""
        await self.engine.dispose()


def open_database(url: str, service: str = "auth") -> Database:
    """The database of accounts that belongs to a service's store.

    `postgresql://…`: the schema of the service. `sqlite:///PATH`: a file beside the store's own, since that one has a
    single connection. `memory:`: lives as long as the object. Raises AccountsRefused for other stores.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "postgresql":
        return _postgres(url, service)
    if scheme == "sqlite":
        return _sqlite(_beside(Path(rest.removeprefix("///")), service))
    if scheme == "memory":
        return _sqlite(None)
    raise AccountsRefused(
        f"accounts cannot be kept in {scheme}: give WARREN_STORE_{service.upper()} a URL that begins with "
        "postgresql:// or sqlite:///"
    )


def _beside(path: Path, service: str) -> Path:
    if path.suffix in _FILES:
        return path.with_name(f"{path.stem}-accounts{path.suffix}")
    return path / f"{service}-accounts.db"


def _postgres(url: str, schema: str) -> Database:
    settings = {"search_path": f'"{schema}"', "application_name": f"warren {schema} accounts", "jit": "off"}

    async def connect(*_: object, **__: object) -> asyncpg.Connection:
        return await asyncpg.connect(url, server_settings=settings, timeout=TIMEOUT, command_timeout=TIMEOUT)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=SESSIONS,
        max_overflow=0,
        pool_timeout=TIMEOUT,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    return Database(engine, schema)


def _sqlite(path: Path | None) -> Database:
    # One connection: SQLite has one writer, and what is in memory is in the connection.
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path or ':memory:'}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=TIMEOUT,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    if path is not None:
        event.listen(engine.sync_engine, "do_connect", _make_room(path.parent))
    return Database(engine, None)


class _Connection(Protocol):
    isolation_level: str | None

    def run_async(self, act: Callable[[aiosqlite.Connection], Awaitable[None]], /) -> None: ...


class _Beginning(Protocol):
    def exec_driver_sql(self, statement: str, /) -> object: ...


def _prepare(connection: _Connection, record: object) -> None:
    # The driver's own way to begin transactions would let two read the same and one of them fail to write.
    connection.isolation_level = None
    connection.run_async(_set)


async def _set(connection: aiosqlite.Connection) -> None:
    for pragma in ("busy_timeout = 5000", "synchronous = FULL", "foreign_keys = ON"):
        await connection.execute(f"PRAGMA {pragma}")
    await _write_ahead(connection)


async def _write_ahead(connection: aiosqlite.Connection) -> None:
    # Whoever finds another at the same change of a new file is told so at once, whatever the busy_timeout.
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                await connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            await asyncio.sleep(_AGAIN)  # noqa: TID251  # no agent waits here: a connection is opened


def _begin(connection: _Beginning) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _make_room(directory: Path) -> Callable[..., None]:
    def make(*_: Any) -> None:
        directory.mkdir(parents=True, exist_ok=True)

    return make


@contextmanager
def translated() -> Iterator[None]:
    """The driver's errors leave as AccountErrors, with the driver's as the cause."""
    try:
        yield
    except AccountError:
        raise
    except (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translation(error) from error


def translation(error: Exception) -> AccountError:
    """What a driver's error means to the caller."""
    driver = error.orig if isinstance(error, DBAPIError) else None
    cause = f"{type(error).__name__}: {error}" if driver is None else str(driver)
    if getattr(driver, "sqlstate", None) in _MISSING or cause.startswith(("no such table", "no such column")):
        return AccountsMissing()
    return AccountsUnavailable(f"the database of accounts cannot be used now ({cause}): try again")
