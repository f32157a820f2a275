"""The SQLite file of the embedded broker: its schema and statements. Used by one thread.

Python's sqlite3 gives up the interpreter lock at every step of a statement, and gets it back only when the event loop
pauses. So each statement here does much in few steps: many rows in one INSERT, ids as one JSON array, and many rows
gathered into one.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from streams.embedded.chunk import ChunkHead, StoredChunk
from streams.embedded.storage import Contents, LogState, QueuedMessage, QueueState, StorageFull, Transaction
from streams.errors import BrokerUnavailable

_VERSION = 1
_SCHEMA = """
CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE chunks (log INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL,
                     size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX chunk_heads ON chunks (log, last, first, time, size);
CREATE TABLE messages (id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, due INTEGER NOT NULL,
                       deliveries INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX messages_by_queue ON messages (queue);
CREATE TABLE probe (data BLOB NOT NULL);
"""

_LOGS = """
SELECT id, name, coalesce(min(first), 0), coalesce(max(last), -1) + 1, coalesce(sum(size), 0), coalesce(max(time), 0)
FROM logs LEFT JOIN chunks ON log = id GROUP BY id ORDER BY id
"""
_QUEUES = """
SELECT queues.id, name, count(queue), coalesce(max(messages.id), 0)
FROM queues LEFT JOIN messages ON queue = queues.id GROUP BY queues.id ORDER BY queues.id
"""
_HEADS = """
SELECT json_group_array(json_array(first, last, time, size))
FROM (SELECT first, last, time, size FROM chunks WHERE log = ? AND last >= ? ORDER BY last LIMIT ?)
"""
# group_concat keeps the bytes of blobs as they are; the LIMIT makes SQLite keep the order of the inner query.
_CHUNKS = """
SELECT CAST(group_concat(data, '') AS BLOB)
FROM (SELECT data FROM chunks WHERE log = ? AND last >= ? ORDER BY last LIMIT ?)
"""
_MESSAGE_HEADS = """
SELECT json_group_array(json_array(id, due, deliveries, length(data)))
FROM (SELECT * FROM messages WHERE queue = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?)
"""
_MESSAGES = """
SELECT CAST(group_concat(data, '') AS BLOB)
FROM (SELECT data FROM messages WHERE queue = ? AND id > ? ORDER BY id LIMIT ?)
"""
_COUNT = "UPDATE messages SET deliveries = deliveries + 1 WHERE id IN (SELECT value FROM json_each(?))"
_REMOVE = "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?))"
_TRUNCATE = "DELETE FROM chunks WHERE log = ? AND last < ?"

_MANY_ROWS = (512, 256, 128, 64)  # of an INSERT: few different numbers, because each is a statement to be cached
_HEADS_AT_ONCE = 256
_BYTES_AT_ONCE = 1_048_576
_FIRST_OFFSET = -1


class Database:
    """Opens on construction. Methods raise StorageFull and BrokerUnavailable."""

    def __init__(self, path: Path, max_bytes: int | None) -> None:
        self._path = path
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=0, isolation_level=None, cached_statements=256, check_same_thread=False
            )
        try:
            with self._errors():
                self._prepare(max_bytes)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, max_bytes: int | None) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")  # before WAL, so that no shared memory file is needed either
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA fullfsync = ON")  # for macOS, where fsync alone does not reach the disk
        run("PRAGMA wal_autocheckpoint = 4096")
        run("PRAGMA journal_size_limit = 67108864")
        if max_bytes is not None:
            (page_size,) = run("PRAGMA page_size").fetchone()
            run(f"PRAGMA max_page_count = {max(1, max_bytes // page_size)}")
        with self._transaction():
            self._migrate()

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise BrokerUnavailable(
                f"{self._path} has format {version}, this program knows format {_VERSION}: give it a file of its own"
            )

    def contents(self, logs: Sequence[str], queues: Sequence[str]) -> Contents:
        """Make what is missing of these logs and queues, and tell all that there are."""
        with self._errors(), self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO logs (name) VALUES (?)", [(name,) for name in logs])
            self._connection.executemany("INSERT OR IGNORE INTO queues (name) VALUES (?)", [(name,) for name in queues])
            return Contents(
                [LogState(*row) for row in self._connection.execute(_LOGS)],
                [QueueState(*row) for row in self._connection.execute(_QUEUES)],
            )

    def commit(self, transaction: Transaction) -> None:
        """All changes together, on the disk when this returns."""
        statements = list(_statements(transaction))
        with self._errors():
            if len(statements) == 1:
                self._connection.execute(*statements[0])  # a transaction by itself, in one step
                return
            with self._transaction():
                for statement in statements:
                    self._connection.execute(*statement)

    def chunks(self, log: int, offset: int) -> list[StoredChunk]:
        """Up to about a megabyte of chunks, at least one if there is one."""
        with self._errors():
            heads = self._heads(log, offset)
            heads = heads[: _fitting([head.size for head in heads])]
            data = self._one(_CHUNKS, (log, offset, len(heads)))
        return [
            StoredChunk(head.first, head.last, head.time, part)
            for head, part in zip(heads, _split(data, [head.size for head in heads]), strict=True)
        ]

    def oldest(self, log: int) -> list[ChunkHead]:
        """Some of the oldest chunks of a log."""
        with self._errors():
            return self._heads(log, _FIRST_OFFSET)

    def _heads(self, log: int, offset: int) -> list[ChunkHead]:
        return [ChunkHead(*row) for row in json.loads(self._one(_HEADS, (log, offset, _HEADS_AT_ONCE)))]

    def page(self, queue: int, after: int, through: int) -> list[QueuedMessage]:
        """Up to about a megabyte of messages, at least one if there is one."""
        with self._errors():
            rows = json.loads(self._one(_MESSAGE_HEADS, (queue, after, through, _HEADS_AT_ONCE)))
            sizes = [size for *_, size in rows]
            count = _fitting(sizes)
            data = self._one(_MESSAGES, (queue, after, count))
        return [
            QueuedMessage(id, part, due, deliveries)
            for (id, due, deliveries, _), part in zip(rows[:count], _split(data, sizes[:count]), strict=True)
        ]

    def _one(self, query: str, parameters: tuple[int, ...]) -> bytes:
        (value,) = self._connection.execute(query, parameters).fetchone()
        return value or b""

    def probe(self, size: int) -> None:
        """Write and delete so many bytes."""
        with self._errors():
            with self._transaction():
                self._connection.execute("INSERT INTO probe VALUES (zeroblob(?))", (size,))
            with self._transaction():
                self._connection.execute("DELETE FROM probe")

    def close(self) -> None:
        """Fold the write-ahead log into the file, and unlock it."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite has rolled back by itself if the disk is full
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error
        except OSError as error:
            raise BrokerUnavailable(f"{self._path} cannot be made: {error}; check the folder and its owner") from error

    def _translated(self, error: sqlite3.Error) -> BrokerUnavailable:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_FULL:
            return StorageFull(f"there is no room for {self._path}: make room on its disk, or raise its limit")
        if code == sqlite3.SQLITE_BUSY:
            return BrokerUnavailable(
                f"{self._path} is in use by another broker: stop that one, or give this one a file of its own"
            )
        return BrokerUnavailable(f"{self._path} cannot be used: {error}; check the disk, and restart")


def _statements(transaction: Transaction) -> Iterator[tuple[str, Sequence[object]]]:
    chunks = [(log, c.first, c.last, c.time, len(c.data), c.data) for log, c in transaction.chunks]
    yield from _inserts("chunks (log, first, last, time, size, data)", chunks)
    messages = [(m.id, queue, m.due, m.deliveries, m.data) for queue, m in transaction.messages]
    yield from _inserts("messages (id, queue, due, deliveries, data)", messages)
    if transaction.delivered:
        yield _COUNT, (json.dumps(transaction.delivered),)
    if transaction.removed:
        yield _REMOVE, (json.dumps(transaction.removed),)
    for truncation in transaction.truncated:
        yield _TRUNCATE, truncation


def _inserts(target: str, rows: Sequence[tuple[object, ...]]) -> Iterator[tuple[str, Sequence[object]]]:
    start = 0
    while start < len(rows):
        left = len(rows) - start
        count = next((size for size in _MANY_ROWS if size <= left), left)
        yield _insert(target, len(rows[0]), count), [v for row in rows[start : start + count] for v in row]
        start += count


@cache
def _insert(target: str, columns: int, rows: int) -> str:
    places = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {target} VALUES {', '.join([places] * rows)}"


def _fitting(sizes: Sequence[int]) -> int:
    """How many of these to read at once."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > _BYTES_AT_ONCE and count:
            return count
    return len(sizes)


def _split(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size
