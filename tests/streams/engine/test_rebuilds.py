"""A rebuild makes the same tables beside the present ones, tells how they differ, and puts them in place at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from stores.errors import Fenced
from stores.port import Epoch, Slot
from streams import App, Stream
from streams.limits import Limits
from streams.rebuild import NotRebuilt, Rebuild, Rebuilt
from streams.rewind import NotThere, Rewind
from streams.source import Source
from streams.surroundings import Surroundings
from tests.streams.engine.stage import Counted, Order, Stage, on_stage, status_of, until

SLOT = Slot("count")
SOURCE = Source("orders", "orders")


def app_of(*, wrong: bool = False) -> App:
    """An agent that counts, or, before it was mended, leaves out what it should count and fails on thirteen."""
    app = App("counter")
    totals = app.Table("totals", default=int)
    windows = app.Table("windows", default=int).tumbling(timedelta(seconds=10))
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            if wrong and order.amount == 13:
                raise ValueError("thirteen")
            if wrong and order.user == "left out":
                continue
            totals[order.user] += order.amount
            if wrong and order.user == "b":
                totals["invented"] += 1
            windows[order.user] += 1
            await out.send(value=Counted(order.user, totals[order.user]))

    return app


async def count(stage: Stage, *orders: Order, wrong: bool = False, **options: Any) -> None:
    await stage.send(*orders)
    worker = await stage.start(app_of(wrong=wrong), **options)
    last = (await stage.broker.extent("orders")).last

    async def there() -> bool:
        return status_of(worker).position == last

    await until(there, within=120)
    await worker.stop()


async def rebuild(
    stage: Stage, *, swap: bool = False, limits: Limits | None = None, tool: str = "tool-rebuild"
) -> Rebuilt:
    app = app_of()
    around = Surroundings(
        stage.store,
        stage.broker,
        stage.topology,
        tool,
        10,
        frozenset({"counter"}),
        stage.now,
        Random(3),
        limits or Limits(),
    )
    return await Rebuild(app, app.agents["count"], SOURCE, around).run(swap=swap)


ORDERS = [Order("a"), Order("left out", 2), Order("b", 3), Order("a", 13), Order("a", 4)]


@pytest.mark.parametrize("limits", [Limits(), Limits(events=2)])
@on_stage
async def test_a_right_table_is_found_right(stage: Stage, limits: Limits) -> None:
    await count(stage, *ORDERS)
    before = [await stage.table(name) for name in ("totals", "windows")]
    done = await rebuild(stage, limits=limits)
    assert (done.position, done.events, done.dead, done.swapped) == (4, 5, 0, False)
    assert [(d.table, d.same, d.rows) for d in done.differences] == [("totals", 3, 0), ("windows", len(before[1]), 0)]
    assert [await stage.table(name) for name in ("totals", "windows")] == before


@on_stage
async def test_a_wrong_table_is_told_and_left_alone_without_a_swap(stage: Stage) -> None:
    await count(stage, *ORDERS, wrong=True)
    before, sent = await stage.table("totals"), len(await stage.log("counted"))
    totals, windows = (await rebuild(stage)).differences
    assert (totals.missing, totals.extra, totals.changed) == (("left out",), ("invented",), ("a",))
    assert (len(windows.missing), len(windows.changed)) == (1, 1)
    assert await stage.table("totals") == before
    assert len(await stage.log("counted")) == sent
    assert await stage.table("totals.rebuild") == {}


@on_stage
async def test_a_swap_puts_the_rebuilt_tables_in_place_and_the_agent_goes_on(stage: Stage) -> None:
    await count(stage, *ORDERS, wrong=True)
    sent = await stage.log("counted")
    done = await rebuild(stage, swap=True)
    assert done.swapped
    assert await stage.table("totals") == {"a": b"18", "left out": b"2", "b": b"3"}
    assert len(await stage.log("counted")) == len(sent)
    (standing,) = await stage.store.standings()
    assert (standing.slot, standing.position, standing.dead) == (SLOT, 4, 0)
    await count(stage, Order("a", 1))
    assert (await stage.table("totals"))["a"] == b"19"
    last = (await stage.log("counted"))[-1]
    assert (last.lane, last.seq) == (sent[0].lane, 5 << 16)
    assert (await rebuild(stage)).differences[0].rows == 0


@on_stage
async def test_repeats_of_what_was_read_before_a_swap_are_known_after_it(stage: Stage) -> None:
    await stage.send(Order("a"), Order("a"), ids=["one", "two"])
    await count(stage)
    await rebuild(stage, swap=True)
    await stage.send(Order("a"), ids=["one"])
    await count(stage)
    assert await stage.table("totals") == {"a": b"2"}


@on_stage
async def test_a_rebuild_ends_where_the_agent_is_in_the_middle_of_a_chunk(stage: Stage) -> None:
    await count(stage, *[Order("a") for _ in range(5)])
    await Rewind("count", SOURCE, ["totals", "windows"], stage.store, stage.broker, "tool", 10, Random(1)).to(3)
    done = await rebuild(stage, swap=True)
    assert (done.position, done.events) == (2, 3)
    assert await stage.table("totals") == {"a": b"3"}
    await count(stage)
    assert await stage.table("totals") == {"a": b"5"}
    assert len(await stage.log("counted")) == 5


@on_stage
async def test_one_rebuild_at_a_time(stage: Stage) -> None:
    await count(stage, *ORDERS, wrong=True)
    first = asyncio.create_task(rebuild(stage, swap=True))
    await asyncio.sleep(0.01)
    with pytest.raises(NotRebuilt, match="is being rebuilt already"):
        await rebuild(stage, swap=True, tool="tool-another")
    assert (await first).swapped


@on_stage
async def test_a_rebuild_that_broke_off_leaves_nothing_that_matters(stage: Stage) -> None:
    await count(stage, *[Order("a") for _ in range(200)])
    for _ in range(3):
        running = asyncio.create_task(rebuild(stage, limits=Limits(events=1)))
        await asyncio.sleep(0)
        for _ in range(400):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    done = await rebuild(stage, swap=True)
    assert done.differences[0].rows == 0
    assert await stage.table("totals") == {"a": b"200"}


@on_stage
async def test_a_slot_that_was_taken_meanwhile_is_not_swapped(stage: Stage) -> None:
    await count(stage, *ORDERS, wrong=True)
    before = await stage.table("totals")
    swap = stage.store.swap

    async def overtaken(slot: Slot, epoch: Epoch, shadow: Slot, tables: Any) -> None:
        await swap(slot, Epoch(epoch - 1), shadow, tables)

    stage.store.swap = overtaken  # type: ignore[method-assign]  # as if another worker had raised the epoch
    with pytest.raises(Fenced):
        await rebuild(stage, swap=True)
    assert await stage.table("totals") == before


@on_stage
async def test_an_agent_that_never_ran_has_nothing_to_rebuild(stage: Stage) -> None:
    await stage.store.apply(app_of().specs())
    with pytest.raises(NotRebuilt, match="has read nothing yet"):
        await rebuild(stage)


@on_stage
async def test_a_log_whose_beginning_has_expired_cannot_be_rebuilt_from(stage: Stage) -> None:
    await count(stage, *ORDERS)

    class Expired:
        """The broker, after retention has taken the first events."""

        def __getattr__(self, name: str) -> Any:
            return getattr(stage.server.connect("counter"), name)

        async def extent(self, log: str) -> Any:
            return replace(await stage.server.connect("counter").extent(log), first=2)

    stage.broker = Expired()  # the rest is the broker's
    with pytest.raises(NotThere, match="begins at offset 2"):
        await rebuild(stage, swap=True)
    assert (await stage.table("totals"))["b"] == b"3"
