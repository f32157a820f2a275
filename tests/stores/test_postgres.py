"""What PostgreSQL's faults do to a store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from stores.errors import CommitUnknown, Fenced, StoreError, StoreRefused, StoreUnavailable
from stores.pages import PageQuery, Place
from stores.port import Put, Slot, TableSpec
from stores.postgres import PostgresStore
from stores.postgres_sessions import Limits, Sessions, refusal
from stores.statements import page_statement, quoted
from tests.servers.server import PostgresServer
from tests.stores.proxy import Fault, Proxy
from tests.stores.samples import SLOT, SPECS, a_commit, acquired, eventually

LEASE = 2.0
ROWS = {"orders": [("a", b"{}")]}
SOUND = {"version": "150000", "fsync": "on", "synchronous_commit": "on", "standby": "false"}


@asynccontextmanager
async def opened(url: str, schema: str, lease: float = 10) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, schema, lease=lease)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(postgres: str, postgres_schema: str) -> AsyncIterator[PostgresStore]:
    """A store that reaches the server directly."""
    async with opened(postgres, postgres_schema) as store:
        await store.apply(SPECS)
        yield store


@pytest.fixture
async def proxy(postgres: str) -> AsyncIterator[Proxy]:
    async with Proxy(postgres).running() as proxy:
        yield proxy


@pytest.fixture
async def frail(store: PostgresStore, proxy: Proxy, postgres_schema: str) -> AsyncIterator[PostgresStore]:
    """Another store over the same schema, whose connection can be broken."""
    async with opened(proxy.url, postgres_schema, LEASE) as frail:
        yield frail


@pytest.fixture
async def administrator(postgres: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres)
    yield connection
    await connection.close()


# The driver sends a statement that is new to a session in two messages: its text, then the values.
TEXT, VALUES = b"WITH fence", b"struck"
FAULTS = ("cut before", "cut after", "freeze")
STRUCK = {"orders": [("struck", b"{}")]}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", [TEXT, VALUES])
async def test_a_break_in_a_commit_leaves_the_outcome_unknown(
    store: PostgresStore, frail: PostgresStore, proxy: Proxy, fault: Fault, moment: bytes
) -> None:
    checkpoint = await acquired(frail)
    # What the driver asks of the catalogue by itself, it has asked.
    await frail.commit(a_commit(checkpoint, {"totals": [("a", b"{}")]}, 4))
    proxy.strike(fault, moment)
    with pytest.raises(CommitUnknown) as raised:
        await frail.commit(a_commit(checkpoint, STRUCK, 5))
    assert proxy.struck.is_set()
    assert raised.value.__cause__ is not None
    written = (fault, moment) == ("cut after", VALUES)
    # Whoever takes over waits until the server has ended the broken session's transaction.
    assert (await acquired(store)).position == (5 if written else 4)
    assert await store.scan("orders", 0) == (dict(STRUCK["orders"]) if written else {})
    with pytest.raises(Fenced):
        await frail.commit(a_commit(checkpoint, STRUCK, 5))


@pytest.mark.parametrize(("fault", "written"), [("cut before", False), ("cut after", True), ("freeze", False)])
async def test_a_break_while_committing_together_leaves_the_outcome_unknown(
    store: PostgresStore, frail: PostgresStore, proxy: Proxy, fault: Fault, written: bool
) -> None:
    checkpoint = await acquired(frail)
    proxy.strike(fault, b"COMMIT")
    with pytest.raises(CommitUnknown) as raised:
        await frail.commit_together([a_commit(checkpoint, ROWS, 5)])
    assert raised.value.__cause__ is not None
    assert (await acquired(store)).position == (5 if written else -1)
    assert await store.scan("orders", 0) == (dict(ROWS["orders"]) if written else {})


# What may write whole tables is not given up after the time of a statement: to freeze it would be to wait for an hour.
@pytest.mark.parametrize(
    ("fault", "moment"), [*((fault, b"BEGIN") for fault in FAULTS), ("cut before", TEXT), ("cut after", TEXT)]
)
async def test_a_break_before_committing_together_has_written_nothing(
    store: PostgresStore, frail: PostgresStore, proxy: Proxy, fault: Fault, moment: bytes
) -> None:
    checkpoint = await acquired(frail)
    proxy.strike(fault, moment)
    with pytest.raises(StoreUnavailable) as raised:
        await frail.commit_together([a_commit(checkpoint, ROWS, 5)])
    assert proxy.struck.is_set()
    assert raised.value.__cause__ is not None
    assert await store.scan("orders", 0) == {}
    # The owner goes on with a new connection.
    await frail.commit(a_commit(checkpoint, ROWS, 5))
    assert (await acquired(store)).position == 5


async def test_a_break_while_writing_documents_leaves_the_outcome_unknown(
    store: PostgresStore, frail: PostgresStore, proxy: Proxy
) -> None:
    proxy.strike("cut after", VALUES)
    with pytest.raises(CommitUnknown):
        await frail.write("payments", [Put("p", b'"struck"', 0)])
    assert await frail.write("payments", [Put("p", b"2", 0)]) == [False]
    assert (await store.read("payments", ["p"]))["p"].value == b'"struck"'


async def test_a_break_while_writing_a_document_twice_leaves_the_outcome_unknown(
    store: PostgresStore, frail: PostgresStore, proxy: Proxy
) -> None:
    proxy.strike("cut after", b"COMMIT")
    with pytest.raises(CommitUnknown):
        await frail.write("payments", [Put("p", b"1", 0), Put("p", b"2", 1)])
    assert (await store.read("payments", ["p"]))["p"].value == b"2"


@pytest.mark.parametrize("fault", ["cut before", "cut after", "freeze"])
async def test_a_break_while_taking_a_slot_can_be_answered_by_taking_it_again(
    frail: PostgresStore, proxy: Proxy, fault: Fault
) -> None:
    proxy.strike(fault, b"COMMIT")
    with pytest.raises((CommitUnknown, StoreUnavailable)):
        await frail.acquire(SLOT, "w1", 60)
    await frail.commit(a_commit(await acquired(frail)))


async def test_a_commit_whose_session_the_server_ends_has_an_unknown_outcome(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    checkpoint = await acquired(store)
    lock = f"SELECT FROM {postgres_schema}.warren_checkpoints FOR UPDATE"
    waiting = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = $1 AND wait_event_type = 'Lock'
    """

    async def terminated() -> bool:
        return bool(await administrator.fetchval(waiting, f"warren {postgres_schema}"))

    async with administrator.transaction():
        await administrator.execute(lock)
        commit = asyncio.create_task(store.commit(a_commit(checkpoint, ROWS, 5)))
        await eventually(terminated)
        with pytest.raises(CommitUnknown):
            await commit
    assert await store.scan("orders", 0) == {}
    await store.commit(a_commit(checkpoint, ROWS, 5))


async def test_a_stopped_owner_does_not_keep_its_successor_waiting(
    store: PostgresStore, postgres: str, postgres_schema: str
) -> None:
    await acquired(store, worker="w1", ttl=LEASE / 10)
    sessions = Sessions(postgres, "stopped", Limits(1, 10, LEASE / 2))
    await sessions.open()
    with pytest.raises(StoreUnavailable):
        await _stop_in_a_transaction(sessions, store, postgres_schema)
    assert (await acquired(store, worker="w2")).position == -1
    await sessions.close()


async def _stop_in_a_transaction(sessions: Sessions, successor: PostgresStore, schema: str) -> None:
    async with sessions.transaction() as session:
        await session.execute(f"UPDATE {schema}.warren_checkpoints SET position = 99")
        await eventually(lambda: _takes(successor))
        await session.execute("SELECT 1")


async def _takes(store: PostgresStore) -> bool:
    return await store.acquire(SLOT, "w2", 60) is not None


async def test_an_owner_that_stops_in_the_middle_of_a_statement_does_not_keep_its_successor_waiting(
    store: PostgresStore, proxy: Proxy, postgres: str, postgres_schema: str
) -> None:
    """Between the two messages of a statement the server takes the session to be at work."""
    await acquired(store, worker="w1", ttl=LEASE / 1000)
    sessions = Sessions(proxy.url, f"warren {postgres_schema}", Limits(1, LEASE, LEASE / 2))
    await sessions.open()
    proxy.strike("freeze", VALUES)
    stopping = asyncio.create_task(_stop_in_a_statement(sessions, postgres_schema))
    await proxy.struck.wait()
    async with opened(postgres, postgres_schema, LEASE) as successor:
        taking = asyncio.create_task(_takes(successor))
        await eventually(lambda: _done_at_last(taking, successor))
        assert await taking
    with pytest.raises(StoreUnavailable):
        await stopping
    await sessions.close()


async def _stop_in_a_statement(sessions: Sessions, schema: str) -> None:
    async with sessions.transaction() as session:
        await session.execute(f"UPDATE {schema}.warren_checkpoints SET position = 99")
        await session.execute("SELECT $1::text", VALUES.decode())


async def _done_at_last(taking: asyncio.Task[bool], store: PostgresStore) -> bool:
    await store.heartbeat("w2", 60)
    return taking.done()


async def test_asking_for_a_held_slot_does_not_wait_for_its_owners_commit(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    await acquired(store, worker="w1")
    async with administrator.transaction():
        await administrator.execute(f"UPDATE {postgres_schema}.warren_checkpoints SET position = 99")
        async with asyncio.timeout(5):
            assert await store.acquire(SLOT, "w2", 60) is None


async def test_a_commit_that_is_cancelled_leaves_a_store_that_works(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    checkpoint = await acquired(store)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'"

    async def waits() -> bool:
        return bool(await administrator.fetchval(waiting, f"warren {postgres_schema}"))

    async with administrator.transaction():
        await administrator.execute(f"SELECT FROM {postgres_schema}.warren_checkpoints FOR UPDATE")
        commit = asyncio.create_task(store.commit(a_commit(checkpoint, ROWS, 5)))
        await eventually(waits)
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
    again = await acquired(store)
    assert again.position == -1
    await store.commit(a_commit(again, ROWS, 6))


async def test_heartbeats_do_not_wait_for_long_queries(
    store: PostgresStore, administrator: asyncpg.Connection, postgres_schema: str
) -> None:
    async with administrator.transaction():
        await administrator.execute(f"LOCK TABLE {postgres_schema}.totals IN ACCESS EXCLUSIVE MODE")
        scans = [asyncio.create_task(store.scan("totals", 0)) for _ in range(20)]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await store.heartbeat("w1", 60)
    assert await asyncio.gather(*scans) == [{}] * 20


async def test_a_store_that_was_killed_has_what_it_acknowledged_and_nothing_by_halves(
    own_postgres: PostgresServer,
) -> None:
    async with opened(own_postgres.url, "orders", LEASE * 5) as store:
        await store.apply(SPECS)
        checkpoint = await acquired(store)
        acknowledged = 0

        async def write() -> None:
            nonlocal acknowledged
            for position in range(1, 1_000_000):
                rows = {"orders": [(f"k{n}", b"%d" % position) for n in range(100)]}
                await store.commit(a_commit(checkpoint, rows, position))
                acknowledged = position

        writing = asyncio.create_task(write())
        await eventually(lambda: _is(lambda: acknowledged > 20))
        await asyncio.to_thread(own_postgres.kill)
        with pytest.raises((StoreUnavailable, CommitUnknown)):
            await writing
        with pytest.raises(StoreUnavailable):
            await store.commit(a_commit(checkpoint))
        await asyncio.to_thread(own_postgres.start)
        found = await acquired(store)
        assert found.position in {acknowledged, acknowledged + 1}
        assert set((await store.scan("orders", 0)).values()) == {b"%d" % found.position}


async def _is(condition: object) -> bool:
    return bool(condition() if callable(condition) else condition)


async def test_a_server_without_fsync_is_refused(own_postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(own_postgres.url)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.close()
    await asyncio.to_thread(own_postgres.restart)
    with pytest.raises(StoreRefused, match="fsync is off"):
        await PostgresStore(own_postgres.url, "orders").open()


async def test_asynchronous_commits_are_refused(postgres: str) -> None:
    with pytest.raises(StoreRefused, match="synchronous_commit is off"):
        await PostgresStore(f"{postgres}?synchronous_commit=off", "orders").open()


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("version", "120019", "13 or later"),
        ("fsync", "off", "set it to on"),
        ("synchronous_commit", "off", "set it to on"),
        ("standby", "true", "target_session_attrs=primary"),
    ],
)
def test_a_server_without_the_guarantees_is_refused_with_what_to_do(setting: str, value: str, reason: str) -> None:
    assert refusal(SOUND) is None
    assert reason in (refusal(SOUND | {setting: value}) or "")


@pytest.mark.parametrize("level", ["on", "local", "remote_write", "remote_apply"])
def test_levels_of_synchronous_commit_that_reach_the_disk_are_accepted(level: str) -> None:
    assert refusal(SOUND | {"synchronous_commit": level}) is None


async def test_an_unknown_database_or_role_is_refused_and_an_unreachable_server_unavailable(postgres: str) -> None:
    with pytest.raises(StoreRefused, match="check the URL"):
        await PostgresStore(f"{postgres}_none", "orders").open()
    with pytest.raises(StoreUnavailable):
        await PostgresStore("postgresql://nobody@127.0.0.1:1/none", "orders").open()


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
