"""One SQLite file, used by one thread of one process."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from stores.errors import CommitUnknown, SchemaMissing, StoreError, StoreRefused, StoreUnavailable
from stores.lockfile import LockFile

T = TypeVar("T")

_OLDEST = (3, 38, 0)
_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    # For tools that look into the file while it is in use.
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -65536",
    # In pages: moved into the file less often than by default, since every move waits for the disk.
    "PRAGMA wal_autocheckpoint = 4096",
    "PRAGMA journal_size_limit = 134217728",
)
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "another process writes to it: end that process, and it is tried again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check its directory and permissions",
    sqlite3.SQLITE_FULL: "the disk is full: make room, and it is tried again",
    sqlite3.SQLITE_IOERR: "the disk does not read or write: check it",
    sqlite3.SQLITE_LOCKED: "another process writes to it: end that process, and it is tried again",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_READONLY: "it cannot be written: check its permissions",
}
_REFUSED = {
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it away, with its -wal and -shm, and put a copy in its place",
    sqlite3.SQLITE_NOTADB: "it is something else than a SQLite database: move it away, or name another file",
}


class SqliteFile:
    """Calls go to one thread, one after another: each is a single hop, and SQLite has one writer anyway."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = LockFile(path.with_name(f"{path.name}.lock"))
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises StoreRefused where another process has the file open, and where it gives no guarantee."""
        if self._thread is not None:
            return
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{self.path.name}")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Waits for calls under way. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown()

    async def run(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """What `call` returns, run in the file's thread. SQLite's errors come as ours."""
        if self._thread is None:
            raise StoreUnavailable(f"{self.path} is not open: call `open` first")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, call)

    def _call(self, call: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            raise StoreUnavailable(f"{self.path} is not open: call `open` first")
        try:
            return call(self._connection)
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _open(self) -> None:
        if sqlite3.sqlite_version_info < _OLDEST:
            needed = ".".join(map(str, _OLDEST))
            raise StoreRefused(
                f"SQLite {sqlite3.sqlite_version} is too old: use a Python with SQLite {needed} or later"
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._connect()
        except sqlite3.Error as error:
            raise self._translated(error) from error
        except OSError as error:
            raise StoreUnavailable(f"{self.path} cannot be opened: {error}") from error

    def _connect(self) -> None:
        # Transactions are begun and ended by `transaction` alone.
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        # Of a new file; it stays as it was made.
        self._connection.execute("PRAGMA page_size = 8192")
        (mode,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreRefused(f"{self.path} is on a file system without shared memory: put it on a local disk")
        for pragma in _PRAGMAS:
            self._connection.execute(pragma).fetchall()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()

    def _translated(self, error: sqlite3.Error) -> StoreError:
        code = _code(error)
        if code in _UNAVAILABLE:
            return StoreUnavailable(f"{self.path}: {_UNAVAILABLE[code]} ({error})")
        if code in _REFUSED:
            return StoreRefused(f"{self.path}: {_REFUSED[code]} ({error})")
        if str(error).startswith(("no such table", "no such column")):
            return SchemaMissing(f"{self.path} lacks what is asked for ({error}): run `warren stores apply`")
        return StoreError(f"{self.path}: {error}")


def _code(error: sqlite3.Error) -> int:
    """The primary one of SQLite's codes."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is done inside, or none. Raises CommitUnknown where only the file's recovery can tell."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        _roll_back(connection)
        raise
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        # The write-ahead log may hold all of it and lack no more than the answer of the disk.
        _roll_back(connection)
        why = _UNAVAILABLE.get(_code(error), "it is tried again")
        raise CommitUnknown(f"the commit may or may not have happened: {why} ({error})") from error


def _roll_back(connection: sqlite3.Connection) -> None:
    # SQLite itself has rolled back after some errors, such as a full disk.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
