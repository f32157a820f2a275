"""Collections and indexes in MongoDB: which there are, what is missing, and making it while others write."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from pymongo import UpdateOne
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from stores.errors import SchemaMissing, StoreError
from stores.mongo_layout import BY_GENERATION, BY_KEY, Keys, Made, changing, field_keys
from stores.mongo_sessions import Bson, Database
from stores.names import check_specs
from stores.port import Change, TableSpec
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS, WORKERS

TABLES = "warren_tables"
"""A document for each collection: what it is, and what is indexed."""
_LOCKS = "warren_locks"
_LOCKED_FOR = timedelta(minutes=1)
_PATIENCE = 0.05
_HEALED_AT_ONCE = 1000
_NO_SUCH_INDEX = 27

_ENGINE: Mapping[str, tuple[Keys, ...]] = {
    CHECKPOINTS: (),
    WORKERS: (),
    IDS: ([("slot", 1), ("position", 1)],),
    DUE: ([("slot", 1), ("key", 1)], [("slot", 1), ("at", 1), ("key", 1)]),
    DEAD: ([("slot", 1), ("position", 1)],),
}
"""The engine's collections and their indexes; of each the first is unique."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What there is."""

    made: Mapping[str, Made]
    engine: frozenset[str]

    def check(self) -> None:
        """Raises SchemaMissing where `apply` was never run."""
        if not self.engine:
            raise SchemaMissing()

    def of(self, name: str, kind: str | None = None) -> Made:
        """A table. Raises SchemaMissing where it is not there, or is of another kind."""
        found = self.made.get(name)
        if found is None or kind not in {None, found.kind}:
            raise SchemaMissing()
        return found


async def read(database: Database) -> Schema:
    """Asked for at each call: another process may have made an index meanwhile."""
    found = await database[TABLES].find().to_list()
    engine = frozenset(entry["_id"] for entry in found if entry["kind"] == "engine")
    made = [
        Made(entry["_id"], entry["kind"], tuple(entry["index"]), entry["generation"])
        for entry in found
        if entry["kind"] != "engine"
    ]
    return Schema({table.name: table for table in made}, engine)


def plan(schema: Schema, specs: Sequence[TableSpec]) -> list[Change]:
    """What is missing. Raises StoreError for specs that contradict each other or what is there."""
    check_specs(specs)
    engine = [Change("create", name, _create(name)) for name in _ENGINE if name not in schema.engine]
    return [*engine, *(change for spec in specs for change in _changes(schema.made.get(spec.name), spec))]


def _changes(made: Made | None, spec: TableSpec) -> list[Change]:
    name = spec.name
    if made is None:
        indexes = [BY_KEY, BY_GENERATION, *map(field_keys, spec.index)]
        return [Change("create", name, "; ".join([_create(name), *(_index(name, keys) for keys in indexes)]))]
    if made.kind != spec.kind:
        raise StoreError(f"{name!r} is there as {made.kind}: give the new one another name")
    added, dropped = sorted({*spec.index} - {*made.index}), sorted({*made.index} - {*spec.index})
    return [
        *(Change("index", f"{name}.{field}", _index(name, field_keys(field))) for field in added),
        *(Change("drop-index", f"{name}.{field}", f"{_named(name)}.dropIndex('by.{field}')") for field in dropped),
    ]


def _named(name: str) -> str:
    return f"db.getCollection('{name}')"


def _create(name: str) -> str:
    return f"db.createCollection('{name}')"


def _index(name: str, keys: Keys) -> str:
    return f"{_named(name)}.createIndex({json.dumps(dict(keys))})"


async def apply(database: Database, specs: Sequence[TableSpec]) -> list[Change]:
    """Make what is missing, one process at a time. Whatever breaks off, the next `apply` brings to its end."""
    async with _locked(database):
        schema = await read(database)
        changes = plan(schema, specs)
        for name in _ENGINE:
            if name not in schema.engine:
                await _make_engine(database, name)
        for spec in specs:
            await _fit(database, schema.made.get(spec.name), spec)
        return changes


async def _make_engine(database: Database, name: str) -> None:
    await _make(database, name)
    for number, keys in enumerate(_ENGINE[name]):
        await database[name].create_index(keys, unique=number == 0)
    await _note(database, name, {"kind": "engine"})


async def _make(database: Database, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:
        # Of an `apply` that broke off.
        return


async def _note(database: Database, name: str, entry: Bson) -> None:
    await database[TABLES].replace_one({"_id": name}, entry, upsert=True)


async def _fit(database: Database, made: Made | None, spec: TableSpec) -> None:
    if made is not None and {*made.index} == {*spec.index}:
        return
    if made is None:
        await _make(database, spec.name)
        await database[spec.name].create_index(BY_KEY)
        await database[spec.name].create_index(BY_GENERATION)
    before = made.index if made else ()
    for field in {*spec.index} - {*before}:
        await database[spec.name].create_index(field_keys(field), name=f"by.{field}")
    now = Made(spec.name, spec.kind, spec.index, made.generation + 1 if made else 1)
    await heal(database, now)
    await _note(database, spec.name, {"kind": now.kind, "index": list(now.index), "generation": now.generation})
    for field in {*before} - {*spec.index}:
        await _drop_index(database, spec.name, field)


async def _drop_index(database: Database, name: str, field: str) -> None:
    try:
        await database[name].drop_index(f"by.{field}")
    except OperationFailure as error:
        if error.code != _NO_SUCH_INDEX:
            raise


async def heal(database: Database, made: Made) -> None:
    """Bring the rows up to date that were written for older indexes."""
    rows = database[made.name]
    while found := await rows.find({"g": {"$lt": made.generation}}, {"v": 1}).limit(_HEALED_AT_ONCE).to_list():
        # A row that has another value by now is its writer's; the next round finds it if its writer knew no better.
        await rows.bulk_write(
            [
                UpdateOne({"_id": row["_id"], "v": row["v"]}, {"$set": changing(made, row["v"].encode())})
                for row in found
            ],
            ordered=False,
        )


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[None]:
    holder = token_hex(8)
    while True:
        if await _taken(database, holder):
            break
        await asyncio.sleep(_PATIENCE)
    try:
        yield
    finally:
        await database[_LOCKS].delete_one({"_id": "apply", "holder": holder})


async def _taken(database: Database, holder: str) -> bool:
    # By this machine's clock: two that apply at once make the same things, and each says that it did.
    now = datetime.now(UTC)
    mine = {"$set": {"holder": holder, "until": now + _LOCKED_FOR}}
    try:
        await database[_LOCKS].update_one({"_id": "apply", "until": {"$lt": now}}, mine, upsert=True)
    except DuplicateKeyError:
        return False
    return True
