"""What Redis alone does: its grade, its faults, and what it does not keep."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from stores.errors import CommitUnknown, StoreError, StoreRefused, StoreUnavailable
from stores.port import Document, Durability, Put
from stores.redis import RedisStore
from stores.redis_grade import grade
from tests.servers.server import RedisServer
from tests.stores.proxy import Fault, Proxy
from tests.stores.samples import COLLECTIONS, PAYMENTS, SLOT, TOTALS

SERVER = {"redis_version": "7.0.15", "role": "master", "aof_enabled": "1", "maxmemory_policy": "noeviction"}
ALWAYS = {"appendfsync": "always", "no-appendfsync-on-rewrite": "no"}


@pytest.fixture
async def store(redis: str, redis_service: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(redis, redis_service)
    await store.open()
    await store.apply(COLLECTIONS)
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("policy", "durability"),
    [
        (ALWAYS, Durability.POWER_LOSS),
        ({**ALWAYS, "no-appendfsync-on-rewrite": "yes"}, Durability.KILL),
        ({**ALWAYS, "appendfsync": "everysec"}, Durability.KILL),
        ({**ALWAYS, "appendfsync": "no"}, Durability.KILL),
        ({}, Durability.KILL),
    ],
)
def test_the_grade_is_what_the_append_only_file_gives(policy: dict[str, str], durability: Durability) -> None:
    assert grade(SERVER, policy).durability is durability
    assert not grade(SERVER, policy).commits


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("aof_enabled", "0", "set `appendonly yes`"),
        ("maxmemory_policy", "allkeys-lru", "set it to noeviction"),
        ("role", "slave", "name the master"),
        ("redis_version", "5.0.7", "6 or later"),
        ("cluster_enabled", "1", "stands alone"),
    ],
)
def test_a_server_that_would_lose_documents_is_refused_with_advice(setting: str, value: str, advice: str) -> None:
    with pytest.raises(StoreRefused, match=advice):
        grade({**SERVER, setting: value}, ALWAYS)


async def test_the_grade_is_read_from_the_server(own_redis: RedisServer) -> None:
    async with Redis.from_url(own_redis.url) as client:
        store = RedisStore(own_redis.url, "letters")
        grades = []
        for policy in ("everysec", "always"):
            await client.config_set("appendfsync", policy)
            await store.open()
            grades.append(store.capabilities.durability)
        await store.close()
        assert grades == [Durability.KILL, Durability.POWER_LOSS]
        await client.config_set("appendonly", "no")
        with pytest.raises(StoreRefused, match="appendonly"):
            await store.open()


async def test_what_needs_commits_is_refused(store: RedisStore) -> None:
    with pytest.raises(StoreRefused, match="the table 'totals' needs commits"):
        await store.plan([PAYMENTS, TOTALS])
    with pytest.raises(StoreRefused, match="'totals'"):
        await store.apply([TOTALS])
    with pytest.raises(StoreRefused, match="orders/0"):
        await store.acquire(SLOT, "w1", 60)
    await store.heartbeat("w1", 60)
    assert (await store.roster()).held == {}


async def test_services_do_not_see_each_others_documents(store: RedisStore, redis: str, redis_service: str) -> None:
    await store.write("payments", [Put("p", b"1", 0)])
    other = RedisStore(redis, f"{redis_service[:40]}-b")
    await other.open()
    assert [change.action for change in await other.plan(COLLECTIONS)] == ["create", "create"]
    await other.close()


async def test_documents_survive_the_end_of_the_server_and_the_store_connects_again(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, "letters")
    await store.open()
    await store.apply(COLLECTIONS)
    assert await store.write("payments", [Put("p", b"1", 0)]) == [True]
    await asyncio.to_thread(own_redis.kill)
    for call in (store.read("payments", ["p"]), store.write("payments", [Put("p", b"2", 1)])):
        with pytest.raises(StoreUnavailable, match="try again"):
            await call
    await asyncio.to_thread(own_redis.start)
    assert await store.read("payments", ["p"]) == {"p": Document(b"1", 1)}
    assert await store.write("payments", [Put("p", b"2", 1)]) == [True]
    await store.close()


@pytest.mark.parametrize(("fault", "written"), [("cut before", False), ("cut after", True)])
async def test_a_connection_that_breaks_while_writing_leaves_the_outcome_unknown(
    redis: str, redis_service: str, fault: Fault, written: bool
) -> None:
    async with Proxy(redis).running() as proxy:
        store = RedisStore(proxy.url, redis_service)
        await store.open()
        await store.apply(COLLECTIONS)
        await store.write("payments", [Put("p", b"1", 0)])
        proxy.strike(fault, b"EVALSHA")
        with pytest.raises(CommitUnknown):
            await store.write("payments", [Put("p", b"2", 1)])
        assert await store.read("payments", ["p"]) == {"p": Document(b"2", 2) if written else Document(b"1", 1)}
        await store.close()


async def test_a_server_that_says_nothing_counts_as_broken_after_the_timeout(redis: str, redis_service: str) -> None:
    async with Proxy(redis).running() as proxy:
        store = RedisStore(proxy.url, redis_service, timeout=0.3)
        await store.open()
        await store.apply(COLLECTIONS)
        proxy.strike("freeze", b"HMGET")
        with pytest.raises(StoreUnavailable):
            await store.read("payments", ["p"])
        proxy.strike("freeze", b"EVALSHA")
        with pytest.raises(CommitUnknown):
            await store.write("payments", [Put("p", b"1", 0)])
        assert await store.write("payments", [Put("q", b"1", 0)]) == [True]
        await store.close()


async def test_a_full_server_writes_nothing_and_says_so(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, "letters")
    await store.open()
    await store.apply(COLLECTIONS)
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="nothing was written"):
            await store.write("payments", [Put("p", b'{"status":"NEW"}', 0)])
        await client.config_set("maxmemory", "0")
    assert await store.write("payments", [Put("p", b'{"status":"NEW"}', 0)]) == [True]
    assert len((await store.query("payments", equals={"status": "NEW"})).rows) == 1
    await store.close()


async def test_a_server_that_asks_for_a_password_refuses_who_has_none(own_redis: RedisServer) -> None:
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("requirepass", "secret")
    store = RedisStore(own_redis.url, "letters")
    with pytest.raises(StoreRefused, match="check the URL"):
        await store.open()
    named = RedisStore(own_redis.url.replace("redis://", "redis://:secret@"), "letters")
    await named.open()
    await named.close()


async def test_an_unfinished_index_is_brought_to_its_end(store: RedisStore, redis: str, redis_service: str) -> None:
    await store.write("payments", [Put("p", b'{"status":"NEW","city":"Ulm"}', 0)])
    async with Redis.from_url(redis) as client:
        shapes = f"warren:{{{redis_service}}}"
        await client.hset(shapes, "payments", '{"index":["status"],"building":["city"]}')
    with pytest.raises(StoreError, match="no index for 'city'"):
        await store.query("payments", order_by="city")
    spec = type(PAYMENTS)("payments", "documents", ("status", "city"))
    assert [change.target for change in await store.apply([spec])] == ["payments.city"]
    assert [row.key for row in (await store.query("payments", equals={"city": "Ulm"})).rows] == ["p"]
    assert await store.plan([spec]) == []


async def test_closing_waits_for_calls_under_way(store: RedisStore) -> None:
    writes = [asyncio.create_task(store.write("payments", [Put(f"p{n}", b"1", 0)])) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert all([await write == [True] for write in writes])


async def test_a_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(StoreError) as raised:
        await RedisStore("redis://user:sec/ret@host:6379/0", "letters").open()
    assert "sec" not in str(raised.value)
