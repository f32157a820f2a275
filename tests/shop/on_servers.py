"""Evidence of a shop on RabbitMQ and PostgreSQL, which keeps a history by triggers."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

import asyncpg

from stores.port import Store
from streams import App
from streams.broker import Broker
from tests.shop.collecting import due_in, logs_of
from tests.shop.invariants.evidence import Commit, Evidence
from tests.shop.outside import book_of
from tests.shop.recording import WATCHED
from topology.spec import Topology

_HISTORY = """
CREATE TABLE public.shop_history (id bigserial PRIMARY KEY, batch bigint, name text, key text, value text);
CREATE FUNCTION public.shop_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.shop_history (batch, name, key, value) VALUES (
        txid_current(), TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, coalesce(NEW.key, OLD.key), NEW.value::text
    );
    RETURN NULL;
END $$;
"""
_TRIGGER = """
CREATE TRIGGER shop_note AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION public.shop_note()
"""
# By transaction; of one writer, and of one row, transactions stand in the order of their first line.
_COMMITS = """
SELECT name, key, value, min(id) OVER (PARTITION BY batch) AS first FROM public.shop_history ORDER BY first, id
"""


async def keep_history(postgres: str) -> None:
    """From now on, until the database is dropped."""
    database = await asyncpg.connect(postgres)
    try:
        await database.execute(_HISTORY)
        for name in sorted(WATCHED):
            service, _, table = name.partition(".")
            await database.execute(_TRIGGER.format(table=f'"{service}"."{table}"'))
    finally:
        await database.close()


async def evidence_on(
    topology: Topology,
    apps: Iterable[App],
    *,
    stores: Mapping[str, Store],
    broker: Broker,
    postgres: str,
    book: Path,
    now: int,
) -> Evidence:
    """All there is to know of a shop at rest."""
    operations, accounts = book_of(book)
    database = await asyncpg.connect(postgres)
    try:
        tables = {
            f"{app.id}.{name}": {
                row["key"]: row["value"].encode()
                for row in await database.fetch(f'SELECT key, value::text AS value FROM "{app.id}"."{name}"')
            }
            for app in apps
            for name in (*app.tables, *app.collections)
        }
        history = _commits(await database.fetch(_COMMITS))
    finally:
        await database.close()
    return Evidence(
        tables=tables,
        logs=await logs_of(topology, broker),
        history=history,
        operations=operations,
        accounts=accounts,
        now=now,
        due=await due_in(stores),
    )


def _commits(lines: Iterable[asyncpg.Record]) -> list[Commit]:
    commits: list[Commit] = []
    for _, of_batch in groupby(lines, key=lambda line: line["first"]):
        rows: dict[str, dict[str, bytes | None]] = {}
        for line in of_batch:
            rows.setdefault(line["name"], {})[line["key"]] = None if line["value"] is None else line["value"].encode()
        commits.append(Commit(rows))
    return commits
