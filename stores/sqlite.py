"""A store in one SQLite file, for one process: nothing to install, and as durable as the disk."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stores.births import random_birth
from stores.documents import judge
from stores.errors import StoreError
from stores.leases import Leases
from stores.names import check_keys
from stores.pages import Found, PageQuery, not_indexed, page_query
from stores.plan import plan, statements
from stores.port import (
    Capabilities,
    Change,
    Checkpoint,
    Commit,
    Document,
    DueTime,
    Durability,
    Encoded,
    Epoch,
    IdRow,
    PageOfRows,
    Put,
    Reset,
    Roster,
    Row,
    Slot,
    Standing,
    TableSpec,
)
from stores.sqlite_commit import EPOCH, packed, write_commits, write_reset, write_swap
from stores.sqlite_file import SqliteFile, transaction
from stores.sqlite_schema import FLAVOUR, existing
from stores.statements import page_statement, quoted

CAPABILITIES = Capabilities(name="sqlite", commits=True, durability=Durability.POWER_LOSS, exclusive=True)

_FILES = {".db", ".sqlite", ".sqlite3"}

_TAKE = """
INSERT INTO warren_checkpoints (agent, partition, epoch, birth, position, anchor, seen, watermark, outbox)
VALUES (?, ?, 1, ?, -1, x'', x'', 0, x'')
ON CONFLICT (agent, partition) DO UPDATE SET epoch = epoch + 1
RETURNING epoch, birth, position, anchor, seen, watermark, outbox, quiet
"""
_EPOCHS = "SELECT agent, partition, epoch FROM warren_checkpoints"
_IDS = "SELECT position, log_time, ids FROM warren_ids WHERE agent = ? AND partition = ? ORDER BY position"
_DUE = """
SELECT key, at, cause, message FROM warren_due WHERE agent = ? AND partition = ? AND at <= ? ORDER BY at, key LIMIT ?
"""
_STANDINGS = """
SELECT agent, partition, position, quiet,
    (SELECT count(*) FROM warren_due AS d WHERE d.agent = c.agent AND d.partition = c.partition),
    (SELECT count(*) FROM warren_dead AS d WHERE d.agent = c.agent AND d.partition = c.partition)
FROM warren_checkpoints AS c ORDER BY agent, partition
"""
_KEYS = "key IN (SELECT value FROM json_each(?))"
_CAUSES = f"SELECT key, cause FROM warren_due WHERE agent = ? AND partition = ? AND {_KEYS}"
_ALL_DEAD = "SELECT position FROM warren_dead WHERE agent = ? AND partition = ?"
_DEAD = f"{_ALL_DEAD} AND position IN (SELECT value FROM json_each(?))"


class SqliteStore:
    """Everything in the file at `path`; heartbeats and owners in memory, since a process has it to itself."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, births: Callable[[], str] = random_birth
    ) -> None:
        """`clock` gives seconds, for heartbeats alone; `births` names the lanes of new slots."""
        self._file = SqliteFile(path)
        self._leases = Leases(clock)
        self._births = births

    @classmethod
    def from_url(cls, url: str, service: str, lease: float) -> "SqliteStore":
        """`sqlite:///PATH`: a file where PATH ends in .db, .sqlite or .sqlite3, else a directory of such files."""
        path = Path(url.removeprefix("sqlite:///"))
        if not url.startswith("sqlite:///") or not path.name:
            raise StoreError("a SQLite store is sqlite:///DIRECTORY or sqlite:///FILE.db; absolute paths begin with /")
        return cls(path if path.suffix in _FILES else path / f"{service}.db")

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def open(self) -> None:
        await self._file.open()

    async def close(self) -> None:
        await self._file.close()
        self._leases.clear()

    # --- schema ---

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        return await self._file.run(lambda db: plan(FLAVOUR, existing(db), tables))

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        return await self._file.run(lambda db: _apply(db, tables))

    # --- ownership ---

    async def heartbeat(self, worker: str, ttl: float) -> None:
        await self._file.run(lambda _: self._leases.heartbeat(worker, ttl))

    async def roster(self) -> Roster:
        return await self._file.run(self._roster)

    def _roster(self, db: sqlite3.Connection) -> Roster:
        return self._leases.roster({Slot(agent, number): Epoch(epoch) for agent, number, epoch in db.execute(_EPOCHS)})

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        return await self._file.run(lambda db: self._acquire(db, slot, worker, ttl, seize))

    def _acquire(self, db: sqlite3.Connection, slot: Slot, worker: str, ttl: float, seize: bool) -> Checkpoint | None:
        if not self._leases.take(slot, worker, ttl, seize=seize):
            return None
        with transaction(db):
            ((epoch, birth, *state),) = db.execute(_TAKE, (*slot, self._births())).fetchall()
        return Checkpoint(slot, Epoch(epoch), birth, *state)

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        await self._file.run(lambda db: self._release(db, slot, epoch))

    def _release(self, db: sqlite3.Connection, slot: Slot, epoch: Epoch) -> None:
        if db.execute(EPOCH, slot).fetchone() == (epoch,):
            self._leases.release(slot)

    # --- a log agent's state ---

    async def commit(self, commit: Commit) -> None:
        await self._file.run(lambda db: write_commits(db, [commit]))

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        await self._file.run(lambda db: write_commits(db, commits))

    async def ids(self, slot: Slot) -> list[IdRow]:
        return await self._file.run(lambda db: [IdRow(*row) for row in db.execute(_IDS, slot)])

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        return await self._file.run(lambda db: [DueTime(*row) for row in db.execute(_DUE, (*slot, until, limit))])

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        check_keys(keys)
        return await self._file.run(lambda db: dict(db.execute(_CAUSES, (*slot, packed(keys)))))

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        statement, *asked = (_ALL_DEAD,) if offsets is None else (_DEAD, packed(offsets))
        found = await self._file.run(lambda db: db.execute(statement, (*slot, *asked)).fetchall())
        return {offset for (offset,) in found}

    async def standings(self) -> list[Standing]:
        rows = await self._file.run(lambda db: db.execute(_STANDINGS).fetchall())
        return [Standing(Slot(agent, partition), *counts) for agent, partition, *counts in rows]

    async def reset(self, reset: Reset) -> None:
        await self._file.run(lambda db: write_reset(db, reset))

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        await self._file.run(lambda db: self._swap(db, slot, epoch, shadow, tables))

    def _swap(self, db: sqlite3.Connection, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        write_swap(db, slot, epoch, shadow, tables)
        self._leases.release(shadow)

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        check_keys(keys)
        statement = f"SELECT key, CAST(value AS BLOB) FROM {quoted(table)} WHERE partition = ? AND {_KEYS}"
        return await self._file.run(lambda db: dict(db.execute(statement, (partition, packed(keys)))))

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        statement = f"SELECT key, CAST(value AS BLOB) FROM {quoted(table)} WHERE partition = ?"
        return await self._file.run(lambda db: dict(db.execute(statement, (partition,))))

    # --- views ---

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        check_keys(keys)
        select = (
            f"SELECT partition, key, CAST(value AS BLOB) FROM {quoted(table)} WHERE {_KEYS} ORDER BY key, partition"
        )
        return await self._file.run(lambda db: [Row(*row) for row in db.execute(select, (packed(keys),))])

    async def query(
        self,
        table: str,
        *,
        equals: Mapping[str, str] | None = None,
        prefix: str = "",
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> PageOfRows:
        query = page_query(table, equals, prefix, order_by, descending, limit, cursor)
        return await self._file.run(lambda db: _page(db, query))

    # --- documents ---

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        check_keys(ids)
        select = f"SELECT key, CAST(value AS BLOB), version FROM {quoted(documents)} WHERE {_KEYS}"
        rows = await self._file.run(lambda db: db.execute(select, (packed(ids),)).fetchall())
        return {key: Document(value, version) for key, value, version in rows}

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        check_keys([put.id for put in puts])
        return await self._file.run(lambda db: _write_documents(db, quoted(documents), puts))


def _apply(db: sqlite3.Connection, tables: Sequence[TableSpec]) -> list[Change]:
    with transaction(db):
        changes = plan(FLAVOUR, existing(db), tables)
        for change in changes:
            for statement in statements(change):
                db.execute(statement)
    return changes


def _page(db: sqlite3.Connection, query: PageQuery) -> PageOfRows:
    statement, arguments = page_statement(quoted(query.table), query, "?")
    try:
        rows = db.execute(statement, arguments).fetchall()
    except sqlite3.OperationalError as error:
        if str(error).startswith("no such column"):
            raise not_indexed(query) from error
        raise
    return query.page([Found(partition, key, value.encode(), order) for partition, key, value, order in rows])


def _write_documents(db: sqlite3.Connection, table: str, puts: Sequence[Put]) -> list[bool]:
    upsert = f"""
        INSERT INTO {table} (key, partition, value, version) VALUES (?, 0, ?, ?)
        ON CONFLICT (key, partition) DO UPDATE SET value = excluded.value, version = excluded.version
    """
    with transaction(db):
        current = db.execute(f"SELECT key, version FROM {table} WHERE {_KEYS}", (packed([put.id for put in puts]),))
        outcomes, written = judge(puts, dict(current))
        db.executemany(upsert, [(key, value.decode(), version) for key, (value, version) in written.items()])
    return outcomes
