"""Documents in PostgreSQL: compare-and-set by version, in batches."""

from collections.abc import Mapping, Sequence

from asyncpg.pool import PoolConnectionProxy

from stores.documents import judge
from stores.errors import StoreError
from stores.port import Document, Put
from stores.postgres_layout import Fill


async def read(session: PoolConnectionProxy, table: str, ids: Sequence[str]) -> dict[str, Document]:
    """Those that exist, from a quoted table."""
    select = f"SELECT key, value, version FROM {table} WHERE key = ANY($1::text[])"
    rows = await session.fetch(select, ids)
    return {key: Document(value.encode(), version) for key, value, version in rows}


class Overtaken(StoreError):
    """Another writer has just made one of the documents: undo the transaction and do it again."""


async def write(session: PoolConnectionProxy, table: str, fill: Fill, puts: Sequence[Put]) -> list[bool]:
    """Each put's outcome, in a transaction. Raises Overtaken.

    What exists is locked first, in the order of keys, and new documents are made after that, in the same order: so two
    transactions never wait for each other.
    """
    lock = f"SELECT key, version FROM {table} WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE"
    current = {row["key"]: row["version"] for row in await session.fetch(lock, [put.id for put in puts])}
    outcomes, written = judge(puts, current)
    changed = {key: document for key, document in sorted(written.items()) if key in current}
    made = {key: document for key, document in sorted(written.items()) if key not in current}
    if changed:
        await session.execute(_update(table, fill), *_columns(changed, fill))
    if made and await session.execute(_insert(table, fill), *_columns(made, fill)) != f"INSERT 0 {len(made)}":
        raise Overtaken()
    return outcomes


def _update(table: str, fill: Fill) -> str:
    return f"""
        UPDATE {table} AS kept
        SET value = changed.value, version = changed.version{fill.updated("kept", "changed")}
        FROM unnest($1::text[], $2::json[], $3::bigint[]{fill.arrays(4)}) AS changed (key, value, version{fill.names})
        WHERE kept.key = changed.key
    """


def _insert(table: str, fill: Fill) -> str:
    filled, number = fill.inserted
    return f"""
        INSERT INTO {table} (key, value, version{fill.names}{filled})
        SELECT key, value, version{fill.names}{number}
        FROM unnest($1::text[], $2::json[], $3::bigint[]{fill.arrays(4)}) AS made (key, value, version{fill.names})
        ON CONFLICT DO NOTHING
    """


def _columns(documents: Mapping[str, Document], fill: Fill) -> list[Sequence[str | int]]:
    values = [document.value.decode() for document in documents.values()]
    return [list(documents), values, [document.version for document in documents.values()], *fill.texts(values)]
