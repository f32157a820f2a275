"""Rows that are kept at the edge: never older than what was heard, nor than their time, whatever is down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from random import Random
from typing import Any

from api.cache import Cache, Encoded, SharedCacheUnavailable
from api.cache_metrics import CacheCollector
from api.cached_views import CachedViews
from api.redis_cache import RedisCache
from stores.errors import StoreUnavailable
from stores.memory import MemoryStore
from stores.port import Commit, PageOfRows, Row, Slot
from streams import Table, View
from streams.changes import Changes, Herald
from streams.embedded import Embedded
from streams.testing.virtual_time import VirtualTimeLoop
from tests.servers.server import RedisServer
from topology.load import load_shop

PRICES: Table[int] = Table("prices", value_type=int, watched=True)
OTHERS: Table[int] = Table("others", value_type=int, watched=True)
KEPT = {("shop", "prices"): 5.0}
SLOT = Slot("prices")


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The test in virtual time."""

    @wraps(test)
    def run() -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test())

    return run


def now() -> int:
    return 1_700_000_000_000 + round(asyncio.get_running_loop().time() * 1000)


class Counted(MemoryStore):
    """A store that counts how often it is read, and takes its time."""

    reads = 0
    seconds = 0.0
    away = False

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        found = await super().get(table, keys)
        await self._read()
        return found

    async def query(self, table: str, **question: Any) -> PageOfRows:
        found = await super().query(table, **question)
        await self._read()
        return found

    async def _read(self) -> None:
        self.reads += 1
        await asyncio.sleep(self.seconds)
        if self.away:
            raise StoreUnavailable("the store is away")


class Shelf:
    """A shared cache, which can be down, and counts who asks."""

    def __init__(self) -> None:
        self.entries: dict[str, Encoded] = {}
        self.up = True
        self.calls = 0

    async def get(self, names: Sequence[str]) -> list[Encoded | None]:
        self._check()
        return [self.entries.get(name) for name in names]

    async def put(self, entries: Mapping[str, Encoded], seconds: float) -> None:
        self._check()
        self.entries.update(entries)

    async def close(self) -> None: ...

    def _check(self) -> None:
        self.calls += 1
        if not self.up:
            raise SharedCacheUnavailable("it is down")


class Scene:
    """A service that sets prices, and edges that read them."""

    def __init__(self) -> None:
        self.server = Embedded(load_shop(), clock=now)
        self.store = Counted()
        teller = self.server.connect("shop")
        self.herald = Herald(teller, "shop", [PRICES])
        self._teller = teller
        self._commits = 0
        self._edges: list[tuple[CachedViews, Changes]] = []

    async def open(self) -> None:
        await self._teller.open()
        await self.store.open()
        await self.store.apply([PRICES.spec, OTHERS.spec])

    async def edge(self, shared: Any = None) -> View[int]:
        """Another process's view of the prices, which listens already."""
        changes = Changes(self.server.connect("edge"), Random(1))
        views = CachedViews({"shop": self.store}, changes, Cache(now, shared), now, KEPT)
        self._edges.append((views, changes))
        view = views.of("shop", PRICES)
        await view.get("nothing")
        await asyncio.sleep(0.1)
        self.store.reads = 0
        return view

    def lookups(self, number: int) -> dict[str, float]:
        """What the metrics of an edge say of the prices."""
        views, _ = self._edges[number]
        (family,) = CacheCollector(lambda: views.uses).collect()
        return {
            sample.labels["found"]: sample.value
            for sample in family.samples
            if sample.labels["table"] == "shop.prices" and sample.name == "warren_cache_lookups_total"
        }

    async def set(self, *, tell: bool = True, **prices: int | None) -> None:
        checkpoint = await self.store.acquire(SLOT, "worker", 60)
        assert checkpoint is not None
        self._commits += 1
        rows = {"prices": [(key, None if price is None else b"%d" % price) for key, price in prices.items()]}
        await self.store.commit(Commit(SLOT, checkpoint.epoch, self._commits, b"", b"", 0, rows=rows))
        if tell:
            self.herald.tell(rows)
        await asyncio.sleep(0.01)

    async def close(self) -> None:
        for views, changes in self._edges:
            await views.close()
            await changes.close()
        await self.server.close()


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    opened = Scene()
    await opened.open()
    yield opened
    await opened.close()


async def again(view: View[int], *keys: str, times: int = 10) -> dict[str, int]:
    """What is read, the last of so many times."""
    found: dict[str, int] = {}
    for _ in range(times):
        found = await view.get_many([*keys])
        await asyncio.sleep(0.01)
    return found


@virtual
async def test_a_row_is_read_once_until_it_changes() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3, milk=1)
        assert await again(view, "tea", "milk", "none") == {"tea": 3, "milk": 1}
        assert shop.store.reads == 1
        await shop.set(tea=4)
        assert await again(view, "tea", "milk", "none") == {"tea": 4, "milk": 1}
        assert shop.store.reads == 2
        await shop.set(tea=None)
        assert await again(view, "tea") == {}
        assert shop.store.reads == 3


@virtual
async def test_a_page_is_read_once_until_any_row_changes() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3, milk=1)
        for _ in range(5):
            assert (await view.query(limit=1)).items == [("milk", 1)]
            assert (await view.query(limit=1, prefix="t")).items == [("tea", 3)]
            await asyncio.sleep(0.01)
        assert shop.store.reads == 2
        await shop.set(ale=9)
        assert (await view.query(limit=1)).items == [("ale", 9)]


@virtual
async def test_a_change_of_which_nothing_is_heard_is_seen_within_its_time() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3)
        assert await again(view, "tea") == {"tea": 3}
        began = now()
        await shop.set(tea=4, tell=False)
        assert await view.awaited("tea", lambda price: price == 4, within=60) == 4
        assert 0 < now() - began <= 5_600


@virtual
async def test_after_a_lost_connection_nothing_that_was_read_before_counts() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3)
        assert await again(view, "tea") == {"tea": 3}
        shop.server.go_down()
        await shop.set(tea=4)
        shop.server.come_back()
        await asyncio.sleep(5.1)
        assert await view.get("tea") == 4


@virtual
async def test_tables_that_are_not_kept_are_read_each_time() -> None:
    async with scene() as shop:
        changes = Changes(shop.server.connect("edge"), Random(1))
        view = CachedViews({"shop": shop.store}, changes, Cache(now), now, KEPT).of("shop", OTHERS)
        await again(view, "tea", times=3)
        assert shop.store.reads == 3


@virtual
async def test_processes_share_what_they_have_read_and_nothing_that_has_changed_since() -> None:
    async with scene() as shop:
        shelf = Shelf()
        one, two = await shop.edge(shelf), await shop.edge(shelf)
        await shop.set(tea=3)
        assert await again(one, "tea") == await again(two, "tea") == {"tea": 3}
        assert shop.store.reads == 1
        await shop.set(tea=4)
        assert await again(two, "tea") == await again(one, "tea") == {"tea": 4}
        assert shop.store.reads == 2


@virtual
async def test_where_rows_are_found_is_counted() -> None:
    async with scene() as shop:
        shared = Shelf()
        await shop.set(tea=3)
        first, second = await shop.edge(shared), await shop.edge(shared)
        for view in (first, second, second):
            assert await view.get_many(["tea"]) == {"tea": 3}
        assert [shop.lookups(number) for number in (0, 1)] == [
            {"own": 0, "shared": 0, "read": 2},
            {"own": 1, "shared": 1, "read": 1},
        ]


@virtual
async def test_requests_at_once_for_what_is_not_kept_read_it_once() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3, milk=1)
        shop.store.seconds = 1
        rows = await asyncio.gather(*(view.get_many(["tea"]) for _ in range(100)), view.get_many(["tea", "milk"]))
        assert rows == [{"tea": 3}] * 100 + [{"tea": 3, "milk": 1}]
        assert shop.store.reads == 2, "the tea, and the milk beside it"
        assert shop.lookups(0) == {"own": 100, "shared": 0, "read": 3}
        pages = await asyncio.gather(*(view.query(limit=1) for _ in range(100)))
        assert [page.items for page in pages] == [[("milk", 1)]] * 100
        assert shop.store.reads == 3


@virtual
async def test_who_asks_after_a_change_does_not_wait_for_a_read_from_before() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3)
        shop.store.seconds = 1
        before = asyncio.create_task(view.get_many(["tea"]))
        await asyncio.sleep(0.5)
        await shop.set(tea=4)
        assert await view.get_many(["tea"]) == {"tea": 4}
        assert await before == {"tea": 3}
        assert await view.get_many(["tea"]) == {"tea": 4}


@virtual
async def test_a_read_goes_on_without_who_began_it_and_its_failure_is_told_to_all_who_wait() -> None:
    async with scene() as shop:
        view = await shop.edge()
        await shop.set(tea=3)
        shop.store.seconds = 1
        first = asyncio.create_task(view.get_many(["tea"]))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(view.get_many(["tea"]))
        await asyncio.sleep(0.1)
        first.cancel()
        assert await second == {"tea": 3}
        await shop.set(tea=4)
        shop.store.away = True
        failed = await asyncio.gather(*(view.get_many(["tea"]) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in failed] == [StoreUnavailable] * 3
        assert shop.store.reads == 2
        shop.store.away = False
        assert await view.get_many(["tea"]) == {"tea": 4}


@virtual
async def test_what_cannot_be_read_of_what_others_share_is_read_from_the_table() -> None:
    async with scene() as shop:
        shelf = Shelf()
        view = await shop.edge(shelf)
        await shop.set(tea=3)
        shelf.entries["shop.prices:row:tea"] = b"of another version"
        assert await again(view, "tea") == {"tea": 3}


@virtual
async def test_while_what_they_share_is_down_each_keeps_its_own_and_asks_it_seldom() -> None:
    async with scene() as shop:
        shelf = Shelf()
        one, two = await shop.edge(shelf), await shop.edge(shelf)
        shelf.up, shelf.calls = False, 0
        for price in (3, 4):
            await shop.set(tea=price)
            assert await again(one, "tea") == await again(two, "tea") == {"tea": price}
        assert shop.store.reads == 4
        assert shelf.calls <= 4
        shelf.up = True
        await asyncio.sleep(6)
        shop.store.reads = 0
        assert await again(one, "tea") == await again(two, "tea") == {"tea": 4}
        assert shop.store.reads == 1


@virtual
async def test_one_that_keeps_silent_holds_up_nobody_for_long() -> None:
    class Silent(Shelf):
        async def get(self, names: Sequence[str]) -> list[Encoded | None]:
            await asyncio.sleep(3_600)
            raise AssertionError

    async with scene() as shop:
        view = await shop.edge(Silent())
        await shop.set(tea=3)
        began = now()
        assert await again(view, "tea", times=1) == {"tea": 3}
        assert now() - began < 150


@virtual
async def test_what_is_kept_is_bounded_and_what_was_not_asked_for_longest_goes() -> None:
    cache = Cache(now, most=300)
    for number in range(10):
        cache.keep({f"row-{number}": b"x" * 44})
        cache.own("row-0")
    assert cache.own("row-0") is not None
    assert [cache.own(f"row-{number}") is not None for number in (1, 4, 6, 9)] == [False, False, True, True]
    cache.keep({"row-9": b"", "huge": b"x" * 1_000})
    assert cache.own("row-0") is None


async def test_entries_are_shared_in_redis_and_what_becomes_of_that_when_it_dies(own_redis: RedisServer) -> None:
    cache = RedisCache(own_redis.url)
    one, two = (Cache(lambda: 0, cache) for _ in range(2))
    await one.put({"a": b"\x00\xff", "b": b"2"}, 60)
    assert await two.others(["a", "missing", "b"]) == {"a": b"\x00\xff", "b": b"2"}
    own_redis.kill()
    three = Cache(lambda: 0, cache)
    await three.put({"c": b"3"}, 60)
    assert await three.others(["c"]) == {}
    assert three.own("c") == b"3"
    own_redis.start()
    four = Cache(lambda: 0, cache)
    await four.put({"d": b"4"}, 60)
    assert await two.others(["d"]) == {"d": b"4"}
    await cache.close()
