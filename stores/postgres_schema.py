"""How a store's tables are made in PostgreSQL."""

from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import JSON, Text, make_url

from stores.plan import Existing
from stores.postgres_fields import FILL, derived_text, filling, triggers
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS, WORKERS, Filling, Flavour

_TABLES = """
SELECT made.relname AS name, array_agg(columns.attname) AS columns
FROM pg_class AS made JOIN pg_namespace AS schemas ON schemas.oid = made.relnamespace
JOIN pg_attribute AS columns ON columns.attrelid = made.oid AND columns.attnum > 0 AND NOT columns.attisdropped
WHERE schemas.nspname = $1 AND made.relkind IN ('r', 'p') GROUP BY made.relname
"""
_INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = $1"
_TRIGGERS = f"""
SELECT made.relname AS name, array_agg(triggers.tgname) AS triggers
FROM pg_class AS made JOIN pg_namespace AS schemas ON schemas.oid = made.relnamespace
JOIN pg_trigger AS triggers ON triggers.tgrelid = made.oid AND triggers.tgname LIKE '{FILL} %'
WHERE schemas.nspname = $1 GROUP BY made.relname
"""
_SCHEMA = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)"
_LZ4 = "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"

# Room for the next version of a row in its own page, so that an update writes no index entry (M: at 90 a table of
# hot rows loses a quarter of its speed and grows to twice the size).
_ROWS = "fillfactor = 70"
# One row per slot, and in each version of it an outbox that is garbage after the next commit.
_HOT_ROWS = """
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000,
    toast.autovacuum_vacuum_cost_delay = 0
""".strip()

_COMPRESSED = {CHECKPOINTS: ("outbox", "seen"), DUE: ("message",), IDS: (), DEAD: (), WORKERS: ()}


def flavour(schema: str, lz4: bool) -> Flavour:
    """A store in `schema`; `lz4` is whether the server can compress with it."""

    def storage(name: str, table: str) -> Sequence[str]:
        compressed = _COMPRESSED.get(name, ("value",))
        columns = [f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4" for column in compressed if lz4]
        # Ids are random: to compress them is in vain.
        columns += [f"ALTER TABLE {table} ALTER COLUMN ids SET STORAGE EXTERNAL"] if name == IDS else []
        options = _HOT_ROWS if name in {CHECKPOINTS, WORKERS} else _ROWS
        return [f"ALTER TABLE {table} SET ({options})", *columns]

    return Flavour(
        dialect=make_url("postgresql+asyncpg://").get_dialect()(),
        schema=schema,
        text=Text(collation="C"),
        # Not JSONB: it takes 1.4 times as long to write, and changes the text.
        value=JSON(),
        field_text=lambda field: derived_text("value", field),
        stored=True,
        filling=lambda table, fields: Filling(triggers(fields), filling(schema, table, fields)),
        shared=True,
        storage=storage,
    )


async def compresses(session: PoolConnectionProxy) -> bool:
    """Whether the server was built with lz4, which it can be since PostgreSQL 14."""
    return bool(await session.fetchval(_LZ4))


async def existing(session: PoolConnectionProxy, schema: str) -> Existing:
    """What the database has of the store."""
    tables = {row["name"]: frozenset(row["columns"]) for row in await session.fetch(_TABLES, schema)}
    indexes = frozenset(row["indexname"] for row in await session.fetch(_INDEXES, schema))
    filled = {row["name"]: frozenset(row["triggers"]) for row in await session.fetch(_TRIGGERS, schema)}
    return Existing(await session.fetchval(_SCHEMA, schema), tables, indexes, filled)
