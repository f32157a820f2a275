"""Watching tables: prompt where notices come, right where they do not."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

from streams import App, Table, Views
from streams.broker import Broker
from streams.changes import AGAIN, MOST_KEYS, Changes, Herald
from streams.testing.sink import Sink
from tests.streams.engine.stage import Order, Stage, on_stage
from topology.spec import TABLE_CHANGES


def counting(app: App, *, watched: bool = True) -> Table[int]:
    totals: Table[int] = app.Table("totals", default=int, watched=watched)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount

    return totals


class Mute(Sink):
    """A broker whose notices are lost; it keeps them to itself."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self.told: list[tuple[str, str, bytes]] = []

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        self.told.append((exchange, key, body))


def open_views(stage: Stage) -> tuple[Views, Changes]:
    changes = Changes(stage.server.connect("edge"), Random(7))
    return Views({"counter": stage.store}, changes), changes


def seconds() -> float:
    return asyncio.get_running_loop().time()


@on_stage
async def test_a_watcher_is_told_which_rows_a_commit_has_changed(stage: Stage) -> None:
    app = App("counter")
    totals = counting(app)
    worker = await stage.start(app)
    views, changes = open_views(stage)
    view = views.of("counter", totals)
    with view.watch() as watch:
        assert await watch.changed() is None, "nobody knows what was told before it listened"
        await stage.send(Order("hazel"), Order("fiver"), Order("hazel"))
        began = seconds()
        assert await watch.changed() == frozenset({"hazel", "fiver"})
        assert seconds() - began < 1
        assert await view.get("hazel") == 2
    await changes.close()
    await worker.stop()


@on_stage
async def test_who_watches_one_row_is_told_of_no_other(stage: Stage) -> None:
    app = App("counter")
    totals = counting(app)
    worker = await stage.start(app)
    views, changes = open_views(stage)
    with views.of("counter", totals).watch("hazel") as watch:
        assert await watch.changed() is None
        began = seconds()
        await stage.send(Order("fiver"))
        assert await watch.changed() is None
        assert seconds() - began >= AGAIN
        await stage.send(Order("hazel"))
        assert await watch.changed() == frozenset({"hazel"})
    await changes.close()
    await worker.stop()


@on_stage
async def test_a_notice_that_is_lost_does_not_matter(stage: Stage) -> None:
    app = App("counter")
    totals = counting(app)
    mute = Mute(stage.broker)
    stage.broker = mute
    worker = await stage.start(app)
    views, changes = open_views(stage)
    view = views.of("counter", totals)
    with view.watch("hazel") as watch:
        assert await watch.changed() is None
        await stage.send(Order("hazel"))
        assert await watch.changed() is None, "it is time to look again"
        assert await view.get("hazel") == 1
    assert await view.awaited("hazel", lambda total: total == 1, within=1) == 1
    assert mute.told == [(TABLE_CHANGES, "counter.totals", b'{"keys":["hazel"]}')]
    await changes.close()
    await worker.stop()


@on_stage
async def test_tables_that_do_not_ask_for_it_tell_nothing(stage: Stage) -> None:
    app = App("counter")
    counting(app, watched=False)
    mute = Mute(stage.broker)
    stage.broker = mute
    worker = await stage.start(app)
    await stage.send(Order("hazel"))
    await asyncio.sleep(2)
    assert await stage.table("totals") == {"hazel": b"1"}
    assert mute.told == []
    await worker.stop()


@on_stage
async def test_after_a_lost_connection_watchers_look_again_and_then_hear_again(stage: Stage) -> None:
    app = App("counter")
    totals = counting(app)
    worker = await stage.start(app)
    views, changes = open_views(stage)
    with views.of("counter", totals).watch(again=3_600) as watch:
        assert await watch.changed() is None
        stage.server.go_down()
        await asyncio.sleep(20)
        stage.server.come_back()
        began = seconds()
        assert await watch.changed() is None
        assert seconds() - began < 10, "long before it is time to"
        await asyncio.sleep(10)
        await stage.send(Order("hazel"))
        assert await watch.changed() == frozenset({"hazel"})
    await changes.close()
    await worker.stop()


@on_stage
async def test_a_row_is_awaited_as_long_as_it_takes_and_no_longer(stage: Stage) -> None:
    app = App("counter")
    totals = counting(app)
    worker = await stage.start(app)
    views, changes = open_views(stage)
    view = views.of("counter", totals)
    began = seconds()
    assert await view.awaited("hazel", lambda total: total is not None, within=2) is None
    assert 2 <= seconds() - began < 2.1
    waiting = asyncio.create_task(view.awaited("hazel", lambda total: total == 3, within=60))
    await stage.send(Order("hazel"))
    await asyncio.sleep(1)
    await stage.send(Order("hazel", 2))
    assert await waiting == 3
    assert seconds() - began < 5
    await changes.close()
    await worker.stop()


@on_stage
async def test_a_table_that_nothing_is_heard_of_is_looked_at_at_intervals(stage: Stage) -> None:
    app = App("counter")
    view = Views({"counter": stage.store}).of("counter", counting(app))
    with view.watch(again=2) as watch:
        began = seconds()
        assert [await watch.changed() for _ in range(3)] == [None] * 3
        assert seconds() - began == 6


@on_stage
async def test_much_news_does_not_keep_a_watcher_from_looking_again(stage: Stage) -> None:
    views, changes = open_views(stage)
    totals = counting(App("counter"))
    teller = stage.server.connect("counter")
    await teller.open()
    herald = Herald(teller, "counter", [totals])
    with views.of("counter", totals).watch(again=10) as watch:
        assert await watch.changed() is None
        began, heard = seconds(), 0
        while True:
            await asyncio.sleep(1)
            herald.tell({"totals": rows(["a"])})
            if await watch.changed() is None:
                break
            heard += 1
        assert 8 <= heard <= 10
        assert 9 <= seconds() - began <= 11
    await changes.close()


@on_stage
async def test_more_changes_than_a_notice_holds_mean_that_anything_may_have_changed(stage: Stage) -> None:
    app = App("counter")
    totals = counting(app)
    views, changes = open_views(stage)
    teller = stage.server.connect("counter")
    await teller.open()
    herald = Herald(teller, "counter", [totals])
    with views.of("counter", totals).watch(again=3_600) as watch:
        assert await watch.changed() is None
        for keys in (["a"], ["b", "a"]):
            herald.tell({"totals": rows(keys), "others": rows(["x"])})
        await asyncio.sleep(1)
        assert await watch.changed() == frozenset({"a", "b"})
        for much in ([f"{n}" for n in range(MOST_KEYS + 1)], ["k" * 1_000 + f"{n}" for n in range(100)]):
            herald.tell({"totals": rows(much)})
            assert await watch.changed() is None
        teller.tell(TABLE_CHANGES, "counter.totals", b"no notice")
        assert await watch.changed() is None
        for n in range(MOST_KEYS + 1):
            herald.tell({"totals": rows([f"{n}"])})
        await asyncio.sleep(1)
        assert await watch.changed() is None, "a watcher remembers no more than that"
        herald.tell({"totals": rows(["a"])})
        assert await watch.changed() == frozenset({"a"})
    await changes.close()


def rows(keys: Sequence[str]) -> list[tuple[str, bytes | None]]:
    return [(key, b"1") for key in keys]
