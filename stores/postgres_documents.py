"""Documents in PostgreSQL: compare-and-set by version, in batches."""

from collections import Counter
from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy

from stores.port import Document, Put
from stores.postgres_layout import Fill


async def read(session: PoolConnectionProxy, table: str, ids: Sequence[str]) -> dict[str, Document]:
    """Those that exist, from a quoted table."""
    select = f"SELECT key, value, version FROM {table} WHERE key = ANY($1::text[])"
    rows = await session.fetch(select, ids)
    return {key: Document(value.encode(), version) for key, value, version in rows}


def turns(puts: Sequence[Put]) -> list[int]:
    """For each put how many of its id come before it: those of one turn can be judged at once."""
    met: Counter[str] = Counter()
    found: list[int] = []
    for put in puts:
        found.append(met[put.id])
        met[put.id] += 1
    return found


async def write(session: PoolConnectionProxy, table: str, fill: Fill, puts: Sequence[Put]) -> set[str]:
    """The ids of those that are written, in one statement. Each id comes once, and they are in order.

    What exists is locked first, in the order of ids, and new documents are made after that, in the same order: so two
    transactions never wait for each other.
    """
    values = [put.value.decode() for put in puts]
    versions = [put.version for put in puts]
    rows = await session.fetch(_write(table, fill), [put.id for put in puts], values, versions, *fill.texts(values))
    return {row["key"] for row in rows}


def _write(table: str, fill: Fill) -> str:
    filled, number = fill.inserted
    return f"""
        WITH put AS MATERIALIZED (
            SELECT * FROM unnest($1::text[], $2::json[], $3::bigint[]{fill.arrays(4)})
            AS put (key, value, version{fill.names})
        ), current AS MATERIALIZED (
            SELECT key, version FROM {table} WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE
        ), changed AS (
            UPDATE {table} AS kept SET value = put.value, version = put.version + 1{fill.updated("kept", "put")}
            FROM current JOIN put ON put.key = current.key AND put.version = current.version
            WHERE kept.key = current.key RETURNING kept.key
        ), made AS (
            INSERT INTO {table} (key, value, version{fill.names}{filled})
            SELECT key, value, 1{fill.names}{number} FROM put
            WHERE version = 0 AND (SELECT count(*) FROM current) >= 0 AND key NOT IN (SELECT key FROM current)
            ON CONFLICT DO NOTHING RETURNING key
        )
        SELECT key FROM changed UNION ALL SELECT key FROM made
    """
