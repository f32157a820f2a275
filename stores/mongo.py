"""A store in one database of a MongoDB replica set, for any number of processes."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from stores import mongo_commit, mongo_documents, mongo_rewinding, mongo_rows, mongo_schema, mongo_slots
from stores.births import random_birth
from stores.changes import row_changes
from stores.errors import StoreError
from stores.mongo_documents import Overtaken
from stores.mongo_grade import CAPABILITIES
from stores.mongo_schema import Schema
from stores.mongo_sessions import Database, Sessions, transact
from stores.names import check_keys, checked_name
from stores.pages import page_query
from stores.port import (
    Capabilities,
    Change,
    Checkpoint,
    Commit,
    Document,
    DueTime,
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


class MongoStore:
    """Everything in one database; `mongo_layout.py` says how it lies there."""

    def __init__(
        self, url: str, service: str, *, timeout: float = 10.0, births: Callable[[], str] = random_birth
    ) -> None:
        """`url` is `mongodb://…`; `births` names the lanes of new slots; `timeout` in seconds is for each call.

        The database has the service's name. Raises StoreError for a service whose name has a dot in it.
        """
        if "." in checked_name(service):
            raise StoreError(f"{service!r} cannot be the name of a database of MongoDB: it has a dot in it")
        self._births = births
        self._sessions = Sessions(url, service, timeout)

    @classmethod
    def from_url(cls, url: str, service: str, lease: float) -> "MongoStore":
        """A server with a database for each service."""
        return cls(url, service, timeout=lease)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def open(self) -> None:
        try:
            await self._sessions.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._sessions.close()

    @asynccontextmanager
    async def _known(self, *, writing: bool = False) -> AsyncIterator[tuple[Database, Schema]]:
        async with self._sessions.database(writing=writing) as database:
            yield database, await self._schema(database)

    async def _schema(self, database: Database) -> Schema:
        schema = await mongo_schema.read(database)
        schema.check()
        return schema

    # --- schema ---

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        async with self._sessions.database() as database:
            return mongo_schema.plan(await mongo_schema.read(database), tables)

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        async with self._sessions.database(writing=True) as database:
            return await mongo_schema.apply(database, tables)

    # --- ownership ---

    async def heartbeat(self, worker: str, ttl: float) -> None:
        async with self._known() as (database, _):
            await mongo_slots.heartbeat(database, worker, ttl)

    async def roster(self) -> Roster:
        async with self._known() as (database, _):
            return await transact(database, mongo_slots.roster)

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        async with self._known(writing=True) as (database, _):
            await mongo_slots.heartbeat(database, worker, ttl)
            await mongo_slots.forget(database)
            return await mongo_slots.acquire(database, slot, worker, self._births, seize=seize)

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        async with self._known() as (database, _):
            await mongo_slots.release(database, slot, epoch)

    # --- a log agent's state ---

    async def commit(self, commit: Commit) -> None:
        check_keys(commit.due.keys())
        changes = {table: row_changes(rows) for table, rows in commit.rows.items()}
        async with self._known() as (database, schema):
            rows = {schema.of(table, "table"): changed for table, changed in changes.items()}
            await transact(database, lambda inside, session: mongo_commit.write(inside, session, [(commit, rows)]))

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        check_keys([key for commit in commits for key in commit.due])
        async with self._known() as (database, schema):
            prepared = [
                (commit, {schema.of(table, "table"): row_changes(rows) for table, rows in commit.rows.items()})
                for commit in commits
            ]
            await transact(database, lambda inside, session: mongo_commit.write(inside, session, prepared))

    async def ids(self, slot: Slot) -> list[IdRow]:
        async with self._known() as (database, _):
            return await mongo_commit.ids(database, slot)

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        async with self._known() as (database, _):
            return await mongo_commit.due(database, slot, until, limit)

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        check_keys(keys)
        async with self._known() as (database, _):
            return await mongo_commit.causes(database, slot, keys)

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        async with self._known() as (database, _):
            return await mongo_commit.dead(database, slot, offsets)

    async def standings(self) -> list[Standing]:
        async with self._known() as (database, _):
            return await mongo_rewinding.standings(database)

    async def reset(self, reset: Reset) -> None:
        async with self._known() as (database, schema):
            for table in reset.tables:
                schema.of(table, "table")
            await transact(database, lambda inside, session: mongo_rewinding.reset(inside, session, reset))

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        async with self._known() as (database, schema):
            pairs = {schema.of(live, "table"): schema.of(other, "table") for live, other in tables.items()}
            await transact(
                database, lambda inside, session: mongo_rewinding.swap(inside, session, slot, epoch, shadow, pairs)
            )

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        check_keys(keys)
        async with self._known() as (database, schema):
            return await mongo_rows.fetch(database, schema.of(table).name, partition, keys)

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        async with self._known() as (database, schema):
            return await mongo_rows.scan(database, schema.of(table).name, partition)

    # --- views ---

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        check_keys(keys)
        async with self._known() as (database, schema):
            return await mongo_rows.get(database, schema.of(table).name, keys)

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
        async with self._known() as (database, schema):
            return query.page(await mongo_rows.query(database, schema.of(table), query))

    # --- documents ---

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        check_keys(ids)
        async with self._known() as (database, schema):
            return await mongo_documents.read(database, schema.of(documents, "documents").name, ids)

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        check_keys([put.id for put in puts])
        async with self._known() as (database, schema):
            made = schema.of(documents, "documents")
            while True:
                with suppress(Overtaken):
                    return await transact(
                        database, lambda inside, session: mongo_documents.write(inside, session, made, puts)
                    )
