"""What PostgreSQL's faults do to a store."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from stores.errors import CommitUnknown, Fenced, StoreUnavailable
from stores.port import Put
from stores.postgres import PostgresStore
from stores.postgres_sessions import Limits, Sessions
from tests.servers.server import PostgresServer
from tests.stores.postgres_scene import opened
from tests.stores.proxy import Fault, Proxy
from tests.stores.samples import SLOT, SPECS, a_commit, acquired, eventually

LEASE = 2.0
ROWS = {"orders": [("a", b"{}")]}


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
