"""How PostgreSQL keeps a store's tables, and finds what is in them."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from stores.errors import StoreError, StoreUnavailable
from stores.pages import PageQuery, Place
from stores.port import Put, Slot, TableSpec
from stores.postgres import PostgresStore
from stores.postgres_sessions import Limits, Sessions
from stores.statements import page_statement, quoted
from tests.stores.postgres_scene import opened
from tests.stores.samples import SPECS, a_commit, acquired, eventually

ROWS = {"orders": [("a", b"{}")]}


@pytest.fixture
async def store(postgres: str, postgres_schema: str) -> AsyncIterator[PostgresStore]:
    """A store that reaches the server directly."""
    async with opened(postgres, postgres_schema) as store:
        await store.apply(SPECS)
        yield store


async def test_the_schema_is_made_where_it_is_missing(postgres: str, postgres_schema: str) -> None:
    name = f"{postgres_schema}.Of-its_own"
    async with opened(postgres, name) as store:
        planned = await store.plan(SPECS)
        assert planned[0].statement == f'CREATE SCHEMA "{name}"'
        assert await store.apply(SPECS) == planned
        assert await store.plan(SPECS) == []
        await store.commit(a_commit(await acquired(store), ROWS))
    connection = await asyncpg.connect(postgres)
    await connection.execute(f'DROP SCHEMA "{name}" CASCADE')
    await connection.close()


async def test_tables_are_kept_as_hot_updates_and_outboxes_need(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    options = """
        SELECT relname, array_to_string(reloptions, ' ') AS options FROM pg_class WHERE relnamespace = $1::regnamespace
    """
    found = {row["relname"]: row["options"] for row in await administrator.fetch(options, postgres_schema)}
    assert "fillfactor=70" in found["orders"]
    assert "fillfactor=20" in found["warren_checkpoints"]
    assert "autovacuum_vacuum_scale_factor=0" in found["warren_checkpoints"]
    compressed = """
        SELECT attname FROM pg_attribute
        WHERE attrelid = ($1 || '.warren_checkpoints')::regclass AND attcompression = 'l'
    """
    rows = await administrator.fetch(compressed, postgres_schema)
    assert {row["attname"] for row in rows} == {"outbox", "seen"}


async def test_an_update_that_leaves_indexed_fields_alone_writes_no_index_entry(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    checkpoint = await acquired(store)
    for position, every in enumerate((1, 5)):
        values = {f"k{n:03}": b'{"userId":"%d","status":"NEW","every":%d}' % (n, every) for n in range(0, 500, every)}
        await store.commit(a_commit(checkpoint, {"orders": list(values.items())}, position))
    # A session tells what it has counted when it ends.
    await store.close()
    counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'orders'"

    async def all_counted() -> bool:
        return tuple(await administrator.fetchrow(counted, postgres_schema) or ()) == (100, 100)

    await eventually(all_counted)


@pytest.mark.parametrize("query", [{"equals": {"userId": "u"}}, {"order_by": "userId"}, {"order_by": None}])
async def test_pages_are_read_from_an_index(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str, query: dict[str, object]
) -> None:
    asked = PageQuery(
        "orders",
        (("userId", "u"),) if "equals" in query else (),
        "",
        "userId" if query.get("order_by") else None,
        False,
        10,
        Place("=u", "k", 0),
    )
    statement, arguments = page_statement(quoted("orders", postgres_schema), asked, "$")
    async with administrator.transaction():
        await administrator.execute("SET LOCAL enable_seqscan = off")
        await administrator.execute("SET LOCAL enable_sort = off")
        rows = await administrator.fetch(f"EXPLAIN {statement}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    assert "Index Cond" in plan
    assert "Filter" not in plan
    assert "Sort" not in plan


async def test_what_postgresql_cannot_keep_is_no_reason_to_try_again(store: PostgresStore) -> None:
    checkpoint = await acquired(store)
    with pytest.raises(StoreError, match="cannot keep") as raised:
        await store.commit(a_commit(checkpoint, {"orders": [("a", b"not JSON")]}))
    assert not isinstance(raised.value, StoreUnavailable)
    with pytest.raises(StoreError, match="cannot keep"):
        await store.acquire(Slot("orders", 2**40), "w1", 60)


async def test_stores_of_two_services_share_a_database(postgres: str, postgres_schema: str) -> None:
    async with opened(postgres, postgres_schema) as one:
        await one.apply([TableSpec("orders")])
        await one.commit(a_commit(await acquired(one), ROWS))
        async with opened(postgres, f"{postgres_schema}b") as two:
            await two.apply([TableSpec("orders")])
            assert await two.scan("orders", 0) == {}
            assert await acquired(two, worker="w2") is not None
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"DROP SCHEMA {postgres_schema}b CASCADE")
    await connection.close()


async def test_a_schema_of_an_earlier_version_is_given_what_it_lacks(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint))
    await administrator.execute(f"ALTER TABLE {postgres_schema}.warren_checkpoints DROP COLUMN quiet")
    await administrator.execute(f"DROP TABLE {postgres_schema}.warren_dead")
    changes = await store.apply(SPECS)
    assert [(change.action, change.target) for change in changes] == [
        ("column", "warren_checkpoints.quiet"),
        ("create", "warren_dead"),
    ]
    assert (await acquired(store)).quiet == -1
    assert await store.plan(SPECS) == []


async def test_a_statement_that_was_planned_while_its_table_was_small_reads_no_whole_table_later(
    store: PostgresStore, postgres: str, postgres_schema: str, administrator: asyncpg.Connection
) -> None:
    payments = quoted("payments", postgres_schema)
    await store.write("payments", [Put(str(number), b"{}", 0) for number in range(5)])
    await administrator.execute(f"ANALYZE {payments}")
    sessions = Sessions(postgres, "planner", Limits(1, 10, 5))
    await sessions.open()
    try:
        async with sessions.session() as session:
            await session.execute(f"PREPARE by_key (text[]) AS SELECT value FROM {payments} WHERE key = ANY($1)")
            for _ in range(8):  # from the sixth time on a session keeps the plan
                await session.execute("EXECUTE by_key ('{a}')")
            plan = await session.fetch("EXPLAIN EXECUTE by_key ('{a}')")
    finally:
        await sessions.close()
    assert any("payments_pkey" in line for (line,) in plan)
    assert not any("Seq Scan" in line for (line,) in plan)
