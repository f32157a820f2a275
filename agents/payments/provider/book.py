"""The simulated provider's book: every operation it was asked for, by its key, and every account.

A SQLite file that processes of one machine may share. It survives the end of a process, and is not made to survive the
loss of power: it is a simulator's.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from agents.payments.provider.account import Account
from agents.payments.provider.port import Answer, Operation
from streams import Record
from streams.codec import encode

IN_MEMORY: Final = ":memory:"
PATIENCE: Final = 5.0
"""Seconds to wait for another process that writes."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS operations (key TEXT PRIMARY KEY, entry BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (reference TEXT PRIMARY KEY, account BLOB NOT NULL) WITHOUT ROWID;
"""


class BookUnavailable(Exception):
    """The book cannot be opened."""


class Entry(Record):
    """An operation: what was asked for, how often, and what the answer is once there is one."""

    asked: Operation
    tries: int
    answer: Answer | None = None


_entry = msgspec.json.Decoder(Entry).decode
_account = msgspec.json.Decoder(Account).decode


class Book:
    """Opened when it is first used."""

    def __init__(self, path: str = IN_MEMORY) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written within is written together, by this process alone."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def entry(self, key: str) -> Entry | None:
        """The operation with this key."""
        row = self._connection().execute("SELECT entry FROM operations WHERE key = ?", (key,)).fetchone()
        return None if row is None else _entry(row[0])

    def account(self, reference: str) -> Account | None:
        """The account of an authorization."""
        row = self._connection().execute("SELECT account FROM accounts WHERE reference = ?", (reference,)).fetchone()
        return None if row is None else _account(row[0])

    def put_entry(self, key: str, entry: Entry) -> None:
        """Write down an operation."""
        self._connection().execute("REPLACE INTO operations VALUES (?, ?)", (key, encode(entry)))

    def put_account(self, account: Account) -> None:
        """Write down an account."""
        self._connection().execute("REPLACE INTO accounts VALUES (?, ?)", (account.reference, encode(account)))

    def close(self) -> None:
        """Close the file; a book that is used again opens again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = _open(self._path)
        return self._opened


def _open(path: str) -> sqlite3.Connection:
    try:
        if path == IN_MEMORY:
            return _prepared(path)
        if not Path(path).exists():
            _make(Path(path))
        return _connected(path)
    except (OSError, sqlite3.Error) as error:
        raise BookUnavailable(
            f"{path} cannot be the simulated payment provider's book ({error}): set WARREN_DATA to a directory "
            "that may be written to, or WARREN_PROVIDER to a provider"
        ) from error


def _make(path: Path) -> None:
    """Make the file, whole or not at all: of several that change a new file to WAL at once, SQLite tells all but one
    that it is locked, however long they would wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as room:
        new = Path(room) / path.name
        _prepared(str(new)).close()
        with suppress(FileExistsError):
            path.hardlink_to(new)


def _prepared(path: str) -> sqlite3.Connection:
    connection = _connected(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)
    return connection


def _connected(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    return connection
