"""A store in one schema of a PostgreSQL database, for any number of processes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from asyncpg import UndefinedColumnError
from asyncpg.pool import PoolConnectionProxy

from stores import postgres_documents
from stores.births import random_birth
from stores.changes import RowChanges, row_changes
from stores.errors import SchemaMissing
from stores.names import check_keys, checked_name
from stores.pages import Found, not_indexed, page_query
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
from stores.postgres_commit import Commits
from stores.postgres_commit_statement import FilledRows
from stores.postgres_layout import Layout
from stores.postgres_schema import compresses, existing, flavour
from stores.postgres_sessions import READ_WHOLE, Limits, Sessions
from stores.postgres_slot_state import SlotState
from stores.postgres_slots import Slots
from stores.statements import page_statement, quoted

CAPABILITIES = Capabilities(name="postgresql", commits=True, durability=Durability.POWER_LOSS, exclusive=False)

T = TypeVar("T")

_SESSIONS = 8
_SCANNED_AT_ONCE = 10_000
_SECONDS_TO_APPLY = 3600.0


class PostgresStore:
    """Everything in one schema. Heartbeats have a session of their own, so that no long query holds them up."""

    def __init__(self, url: str, schema: str, *, lease: float = 10.0, births: Callable[[], str] = random_birth) -> None:
        """`url` is a libpq URL, `postgresql://…`; `births` names the lanes of new slots.

        `lease` is how long a worker owns its slots after a heartbeat, in seconds. A transaction whose client has said
        nothing for half of it is ended: a stopped process would else hold its slot's row against its successor.
        """
        self._schema = checked_name(schema)
        self._births = births
        self._sessions = Sessions(url, f"warren {schema}", Limits(_SESSIONS, lease, lease / 2))
        self._pulse = Sessions(url, f"warren {schema} heartbeat", Limits(1, lease, lease / 2))
        self._slots = Slots(self._schema)
        self._commits = Commits(self._schema)
        self._state = SlotState(self._schema)
        self._layout = Layout(self._sessions, self._schema)

    @classmethod
    def from_url(cls, url: str, service: str, lease: float) -> "PostgresStore":
        """A database with a schema for each service."""
        return cls(url, service, lease=lease)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def open(self) -> None:
        try:
            await self._sessions.open()
            await self._pulse.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._sessions.close()
        await self._pulse.close()

    # --- schema ---

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        async with self._sessions.session() as session:
            return await self._plan(session, tables)

    async def _plan(self, session: PoolConnectionProxy, tables: Sequence[TableSpec]) -> list[Change]:
        made = await existing(session, self._schema)
        return plan(flavour(self._schema, await compresses(session)), made, tables)

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        async with self._sessions.transaction() as session:
            await session.execute("SET LOCAL idle_in_transaction_session_timeout = '1min'")
            lock = "SELECT pg_advisory_xact_lock(hashtext('warren'), hashtext($1))"
            await session.execute(lock, self._schema, timeout=_SECONDS_TO_APPLY)
            changes = await self._plan(session, tables)
            for change in changes:
                for statement in statements(change):
                    await session.execute(statement, timeout=_SECONDS_TO_APPLY)
        self._layout.forget()
        return changes

    # --- ownership ---

    async def heartbeat(self, worker: str, ttl: float) -> None:
        async with self._pulse.session() as session:
            await self._slots.heartbeat(session, worker, ttl)
            await self._sessions.end_stopped(session)

    async def roster(self) -> Roster:
        async with self._pulse.session() as session:
            return await self._slots.roster(session)

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        await self.heartbeat(worker, ttl)
        async with self._sessions.session() as session:
            await self._slots.forget(session)
            if not seize and await self._slots.held(session, slot, worker):
                return None
        async with self._sessions.transaction() as session:
            return await self._slots.take(session, slot, worker, self._births(), seize=seize)

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        async with self._sessions.session() as session:
            await self._slots.release(session, slot, epoch)

    # --- a log agent's state ---

    async def commit(self, commit: Commit) -> None:
        check_keys(commit.due.keys())
        rows = _changes(commit)

        async def write() -> None:
            filled = await self._filled(rows)
            async with self._sessions.statement() as session:
                await self._commits.write(session, commit, filled)

        await self._retold(write)

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        check_keys([key for commit in commits for key in commit.due])
        prepared = [(commit, _changes(commit)) for commit in commits]

        async def write() -> None:
            filled = [(commit, await self._filled(rows)) for commit, rows in prepared]
            async with self._sessions.transaction() as session:
                await self._commits.write_together(session, filled)

        await self._retold(write)

    async def _filled(self, rows: Mapping[str, RowChanges]) -> FilledRows:
        fills = await self._layout.of([*rows])
        return {table: (fill, changes) for (table, changes), fill in zip(rows.items(), fills, strict=True)}

    async def _retold(self, write: Callable[[], Awaitable[T]]) -> T:
        """Once more, where another process has meanwhile taken a column away."""
        try:
            return await write()
        except SchemaMissing:
            if not self._layout.forget():
                raise
            return await write()

    async def ids(self, slot: Slot) -> list[IdRow]:
        async with self._sessions.session() as session:
            return await self._state.ids(session, slot)

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        async with self._sessions.session() as session:
            return await self._state.due(session, slot, until, limit)

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        check_keys(keys)
        async with self._sessions.session() as session:
            return await self._state.causes(session, slot, keys)

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        async with self._sessions.session() as session:
            return await self._state.dead(session, slot, offsets)

    async def standings(self) -> list[Standing]:
        async with self._sessions.session() as session:
            return await self._state.standings(session)

    async def reset(self, reset: Reset) -> None:
        async with self._sessions.transaction() as session:
            await self._commits.reset(session, reset)

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        async with self._sessions.transaction() as session:
            await self._commits.swap(session, slot, epoch, shadow, tables)

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        check_keys(keys)
        select = f"SELECT key, value FROM {self._quoted(table)} WHERE partition = $1 AND key = ANY($2::text[])"
        async with self._sessions.session() as session:
            return {key: value.encode() for key, value in await session.fetch(select, partition, keys)}

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        rows: dict[str, Encoded] = {}
        select = f"SELECT key, value FROM {self._quoted(table)} WHERE partition = $1"
        async with self._sessions.session() as session, session.transaction(readonly=True):
            await session.execute(READ_WHOLE)
            cursor = await session.cursor(select, partition)
            while found := await cursor.fetch(_SCANNED_AT_ONCE):
                rows.update((key, value.encode()) for key, value in found)
        return rows

    # --- views ---

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        check_keys(keys)
        select = f"SELECT partition, key, value FROM {self._quoted(table)} WHERE key = ANY($1::text[])"
        async with self._sessions.session() as session:
            rows = await session.fetch(f"{select} ORDER BY key, partition", keys)
        return [Row(partition, key, value.encode()) for partition, key, value in rows]

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
        statement, arguments = page_statement(self._quoted(table), query, "$")
        async with self._sessions.session() as session:
            try:
                rows = await session.fetch(statement, *arguments)
            except UndefinedColumnError as error:
                raise not_indexed(query) from error
        return query.page([Found(partition, key, value.encode(), order) for partition, key, value, order in rows])

    # --- documents ---

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        check_keys(ids)
        async with self._sessions.session() as session:
            return await postgres_documents.read(session, self._quoted(documents), ids)

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        check_keys([put.id for put in puts])

        return await self._retold(lambda: self._write(documents, puts))

    async def _write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        (fill,) = await self._layout.of([documents])
        turns = postgres_documents.turns(puts)
        written: list[set[str]] = []
        begun = self._sessions.transaction if any(turns) else self._sessions.statement
        async with begun() as session:
            for turn in sorted(set(turns)):
                judged = sorted(
                    (put for put, its in zip(puts, turns, strict=True) if its == turn), key=attrgetter("id")
                )
                written.append(await postgres_documents.write(session, self._quoted(documents), fill, judged))
        return [put.id in written[turn] for put, turn in zip(puts, turns, strict=True)]

    def _quoted(self, table: str) -> str:
        return quoted(table, self._schema)


def _changes(commit: Commit) -> dict[str, RowChanges]:
    return {table: row_changes(rows) for table, rows in commit.rows.items() if rows}
