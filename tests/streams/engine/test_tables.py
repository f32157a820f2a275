"""Tables as agents see them: windows, rows that are not resident, views."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stores.memory import MemoryStore
from stores.port import Commit, Encoded, Store
from streams import App, Record, Stream, Views
from tests.streams.engine.stage import Order, Stage, handled, on_stage, status_of, until

DAY = timedelta(days=1)


def ms(*at: int) -> int:
    return round(datetime(*at, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


class Account(Record):
    """A table value with an indexed field."""

    user: str
    amount: int = 0


@on_stage
async def test_tumbling_windows_count_by_the_time_things_happened(stage: Stage) -> None:
    app = App("counter")
    by_day = app.Table("by_day", default=int).tumbling(DAY)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            by_day[order.user] += order.amount

    worker = await stage.start(app)
    for at in (ms(2023, 1, 1, 23, 59), ms(2023, 1, 2), ms(2023, 1, 1)):
        await stage.send(Order("a"), time=at)
    await handled(worker, 3)
    view = Views({"counter": stage.store}).of("counter", by_day)
    starts = [datetime(2023, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    assert await view.windows("a", starts) == {starts[0]: 2, starts[1]: 1}
    await worker.stop()


@on_stage
async def test_a_window_is_dropped_once_it_has_expired_and_takes_no_late_event(stage: Stage) -> None:
    app = App("counter")
    by_day = app.Table("by_day", default=int).tumbling(DAY, expires=DAY)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            by_day[order.user] += order.amount

    worker = await stage.start(app)
    for day in (1, 2, 4, 1, 3):
        await stage.send(Order("a"), time=ms(2023, 1, day, 12))
    await handled(worker, 5)
    await worker.stop()
    assert await stage.table("by_day") == {"a|2023-01-03T00:00:00Z": b"1", "a|2023-01-04T00:00:00Z": b"1"}


@on_stage
async def test_hopping_windows_hold_an_event_several_times(stage: Stage) -> None:
    app, seen = App("counter"), list[tuple[int, int]]()
    recent = app.Table("recent", default=int).hopping(timedelta(seconds=20), timedelta(seconds=10))

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            recent[order.user] += order.amount
            seen.append((recent[order.user].current(), recent[order.user].delta(timedelta(seconds=10))))

    worker = await stage.start(app)
    for at in (0, 5_000, 12_000):
        await stage.send(Order("a"), time=ms(2023, 1, 1) + at)
    await handled(worker, 3)
    await worker.stop()
    assert seen == [(1, 1), (2, 2), (1, 3)]
    assert len(await stage.table("recent")) == 3


class Asked(MemoryStore):
    """A store that knows which rows it was asked for."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: asyncio.get_running_loop().time())
        self.asked: list[str] = []

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        self.asked += keys
        return await super().fetch(table, partition, keys)


@on_stage
async def test_a_table_that_is_not_resident_loads_what_its_events_need_and_it_has_not(stage: Stage) -> None:
    app = App("counter")
    accounts = app.Table("accounts", value_type=Account, index=("user",), resident=False)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            account = accounts.get(order.user) or Account(order.user)
            account.amount += order.amount
            accounts[order.user] = account

    stage.store = store = Asked()
    worker = await stage.start(app)
    for batch in range(5):
        await stage.send(Order("a"), Order(f"b{batch}"))
        await handled(worker, 2 * batch + 2)
    view = Views({"counter": store}).of("counter", accounts)
    assert await view.get("a") == Account("a", 5)
    assert [key for key, _ in (await view.query(user="b3")).items] == ["b3"]
    assert sorted(store.asked) == ["a", "b0", "b1", "b2", "b3", "b4"]
    await worker.stop()


@on_stage
async def test_reading_another_key_asks_for_load(stage: Stage) -> None:
    app, loaded = App("counter"), list[int | None]()
    totals = app.Table("totals", default=int, resident=False)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            if order.amount == 9:
                await totals.load("grand")
            loaded.append(totals.get("grand"))
            totals[order.user] += 1
            totals["grand"] = (totals.get("grand") or 0) + 1

    worker = await stage.start(app)
    await stage.send(Order("a", 9))
    await handled(worker, 1)
    await stage.send(Order("a", 1))

    async def buried() -> bool:
        return len(await stage.dead()) == 1

    await until(buried)
    ((_, headers),) = await stage.dead()
    assert "has not loaded key 'grand'" in headers["dead-error"]
    assert "await table.load(key)" in headers["dead-error"]
    assert await stage.table("totals") == {"a": b"1", "grand": b"1"}
    await worker.stop()


@on_stage
async def test_a_timer_calls_again_and_again_and_survives_its_failures(stage: Stage) -> None:
    app, calls = App("counter"), list[float]()

    @app.timer(timedelta(seconds=10))
    async def tick() -> None:
        calls.append(asyncio.get_running_loop().time())
        raise ValueError("once more")

    worker = await stage.start(app)
    await asyncio.sleep(35)
    await worker.stop()
    assert calls == pytest.approx([10, 20, 30])


class Slow:
    """A store whose commits take a second, and which counts queries for keys."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.queries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, commit: Commit) -> None:
        await asyncio.sleep(1)
        await self._store.commit(commit)

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, bytes]:
        self.queries += 1
        return await self._store.fetch(table, partition, keys)


@on_stage
async def test_events_that_come_one_by_one_during_a_commit_share_the_next_query(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int, resident=False)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            totals[order.user] += order.amount

    store = Slow(stage.store)
    worker = await stage.start(app, store=store)
    for number in range(30):
        await stage.send(Order(f"user-{number}"))
        await asyncio.sleep(0.1)
    await handled(worker, 30)
    await worker.stop()
    assert len(await stage.table("totals")) == 30
    assert store.queries == status_of(worker).commits == 4
