"""What MongoDB alone does: which servers will do, its faults, and rows that an older writer left."""

from collections.abc import AsyncIterator

import pytest
from pymongo import AsyncMongoClient

from stores.errors import CommitUnknown, StoreError, StoreUnavailable
from stores.mongo import MongoStore
from stores.mongo_grade import refusal
from tests.stores.proxy import Fault, Proxy
from tests.stores.samples import SPECS, a_commit, acquired

pytestmark = pytest.mark.usefixtures("pymongo_sockets")

HELLO: dict[str, object] = {"maxWireVersion": 21, "setName": "rs0"}
ENGINE: dict[str, object] = {"name": "wiredTiger", "persistent": True}


@pytest.fixture
async def store(mongodb: str, mongodb_service: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(mongodb, mongodb_service)
    await store.open()
    await store.apply(SPECS)
    yield store
    await store.close()


def test_a_replica_set_and_a_router_will_do() -> None:
    assert refusal(HELLO, ENGINE) is None
    assert refusal(HELLO, {}) is None
    assert refusal({"maxWireVersion": 21, "msg": "isdbgrid"}, {}) is None


@pytest.mark.parametrize(
    ("hello", "engine", "advice"),
    [
        ({"maxWireVersion": 21}, ENGINE, "start mongod with --replSet"),
        ({**HELLO, "maxWireVersion": 9}, ENGINE, "5.0 or later"),
        (HELLO, {"name": "inMemory", "persistent": False}, "use wiredTiger"),
    ],
)
def test_another_server_is_refused_with_advice(
    hello: dict[str, object], engine: dict[str, object], advice: str
) -> None:
    assert advice in str(refusal(hello, engine))


def test_a_service_with_a_dot_in_its_name_has_no_database() -> None:
    with pytest.raises(StoreError, match="has a dot in it"):
        MongoStore("mongodb://host/", "shop.orders")


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await MongoStore("mongodb://127.0.0.1:1/", "orders", timeout=0.3).open()


async def test_a_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(StoreError) as raised:
        await MongoStore("mongodb://user:sec/ret@host/", "orders").open()
    assert "sec" not in str(raised.value)


@pytest.mark.parametrize("fault", ["cut before", "cut after"])
async def test_a_commit_whose_answer_is_lost_is_asked_for_again_and_written_once(
    mongodb: str, mongodb_service: str, fault: Fault
) -> None:
    async with Proxy(mongodb).running() as proxy:
        store = MongoStore(proxy.url, mongodb_service)
        await store.open()
        await store.apply(SPECS)
        checkpoint = await acquired(store)
        proxy.strike(fault, b"commitTransaction")
        await store.commit(a_commit(checkpoint, {"orders": [("a", b"1")]}))
        assert proxy.struck.is_set()
        assert await store.scan("orders", 0) == {"a": b"1"}
        await store.close()


async def test_a_commit_that_is_never_answered_is_unknown_and_all_or_nothing(
    mongodb: str, mongodb_service: str
) -> None:
    async with Proxy(mongodb).running() as proxy:
        store = MongoStore(proxy.url, mongodb_service, timeout=2)
        await store.open()
        await store.apply(SPECS)
        checkpoint = await acquired(store)
        proxy.strike("freeze", b"commitTransaction")
        with pytest.raises(CommitUnknown):
            await store.commit(a_commit(checkpoint, {"orders": [("a", b"1")]}))
        await store.close()
    async with AsyncMongoClient[dict[str, object]](mongodb) as client:
        kept = await client[mongodb_service]["warren_checkpoints"].find_one()
        assert kept is not None
        assert (kept["position"] == 1) == (await client[mongodb_service]["orders"].find_one() is not None)


async def test_a_commit_that_breaks_before_its_end_is_done_again(mongodb: str, mongodb_service: str) -> None:
    async with Proxy(mongodb).running() as proxy:
        store = MongoStore(proxy.url, mongodb_service)
        await store.open()
        await store.apply(SPECS)
        checkpoint = await acquired(store)
        proxy.strike("cut after", b"startTransaction")
        await store.commit(a_commit(checkpoint, {"orders": [("a", b"1")]}))
        assert await store.scan("orders", 0) == {"a": b"1"}
        await store.close()


async def test_a_row_that_an_older_writer_left_is_found_by_its_fields(
    store: MongoStore, mongodb: str, mongodb_service: str
) -> None:
    async with AsyncMongoClient[dict[str, object]](mongodb) as client:
        left = {"_id": "0/a", "p": 0, "k": "a", "v": '{"userId":"u"}', "by": {}, "g": 0}
        await client[mongodb_service]["orders"].insert_one(left)
    assert [row.key for row in (await store.query("orders", equals={"userId": "u"})).rows] == ["a"]
