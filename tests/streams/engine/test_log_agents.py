"""What a log agent promises, one sentence a test."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams import App
from streams.embedded import Break, Fate
from streams.limits import Limits
from streams.testing.virtual_time import VirtualTimeLoop
from tests.streams.engine.stage import (
    Counted,
    Order,
    Stage,
    at_end,
    counting,
    handled,
    on_stage,
    status_of,
    told,
    totals_are,
    until,
)


@on_stage
async def test_state_and_sends_follow_from_the_events(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b", 5), Order("a", 2))
    await totals_are(stage, a=3, b=5)
    await worker.stop()
    assert await told(stage) == [("a", 1), ("b", 5), ("a", 3)]


@on_stage
async def test_types_that_others_publish_and_this_agent_does_not_read_are_skipped(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.raw(b"not even json", type="noise")
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    assert await stage.dead() == []
    await worker.stop()


@on_stage
async def test_a_skipped_stretch_is_committed_too(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    for _ in range(3):
        await stage.raw(b"{}", type="noise")
    await at_end(stage, worker)
    await worker.stop()


@on_stage
async def test_a_full_outbox_ends_the_batch_and_the_rest_is_handled(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app, limits=Limits(bytes=2_000))
    await stage.send(*[Order("a") for _ in range(50)])
    await totals_are(stage, a=50)
    await worker.stop()
    assert [total for _, total in await told(stage)] == list(range(1, 51))
    assert status_of(worker).commits > 8


@on_stage
async def test_groups_are_handled_as_one_and_closed_in_time(stage: Stage) -> None:
    app, sizes = App("counter"), []
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for group in stream.take(4, within=timedelta(seconds=5)):
            sizes.append(len(group))
            for order in group:
                totals[order.user] += 1

    worker = await stage.start(app)
    await stage.send(*[Order("a") for _ in range(6)])
    await asyncio.sleep(4)
    assert sizes == [4]
    assert await stage.table("totals") == {}, "a commit waits while a group is being filled"
    await totals_are(stage, a=6)
    assert sizes == [4, 2]
    assert 5 <= asyncio.get_running_loop().time() < 6
    await worker.stop()


@on_stage
async def test_an_unfinished_group_is_read_again_after_a_stop(stage: Stage) -> None:
    for _ in range(2):
        app = App("counter")
        totals = app.Table("totals", default=int)

        @app.agent(app.topic("orders", value_type=Order), name="count")
        async def count(stream: Any, totals: Any = totals) -> None:
            async for group in stream.take(2, within=timedelta(hours=1)):
                for order in group:
                    totals[order.user] += 1

        worker = await stage.start(app)
        await stage.send(Order("a"))
        await asyncio.sleep(30)
        await worker.stop()
    assert await stage.table("totals") == {"a": b"2"}


@on_stage
async def test_filtered_events_count_as_handled(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for event in stream.filter(lambda order: order.amount > 1).events():
            totals[event.value.user] += event.value.amount

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a", 2), Order("a"))
    await handled(worker, 3)
    assert await stage.table("totals") == {"a": b"2"}
    await worker.stop()


@on_stage
async def test_what_an_agent_yields_goes_to_its_sinks(stage: Stage) -> None:
    app = App("counter")
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count", sink=(out,))
    async def count(stream: Any) -> Any:
        async for order in stream:
            yield Counted(order.user, order.amount)

    worker = await stage.start(app)
    await stage.send(Order("a", 7))
    await handled(worker, 1)
    await worker.stop()
    assert await told(stage) == [("a", 7)]


@on_stage
async def test_an_agent_that_does_not_read_its_stream_is_paused_with_the_reason(stage: Stage) -> None:
    app = App("counter")

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        return

    worker = await stage.start(app)
    await stage.send(Order("a"))

    async def paused() -> bool:
        return status_of(worker).state == "paused"

    await until(paused)
    assert "must loop over its stream" in status_of(worker).reason
    await worker.stop()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(500, 5_000))
def test_results_do_not_depend_on_where_batches_end_nor_on_crashes(seed: int, events: int, size: int) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_crashing_run(Random(seed), Limits(events=events, bytes=size)))


async def _crashing_run(random: Random, limits: Limits) -> None:
    stage = Stage()
    fates = [Fate.KEPT] * 12 + [Fate.LOST, Fate.UNCONFIRMED, Fate.REFUSED]
    stage.faults.fates["out"] = [random.choice(fates) for _ in range(60)]
    stage.faults.breaks["orders"] = [random.choice([None, None, Break.CUT]) for _ in range(20)]
    orders = [Order(random.choice("abc"), random.randint(1, 3)) for _ in range(40)]
    names = [f"id{n}" for n in range(40)]
    wanted: dict[str, int] = {}
    for order in orders:
        wanted[order.user] = wanted.get(order.user, 0) + order.amount
    sending = asyncio.create_task(_send_with_repeats(stage, random, orders, names))
    while True:
        app = App("counter")
        counting(app)
        worker = await stage.start(app, limits=limits)
        await asyncio.sleep(random.choice([0.01, 0.2, 3]))
        if sending.done() and random.random() < 0.5:
            break
        await worker.abandon()
    await totals_are(stage, **wanted)
    await worker.abandon()
    await _run_undisturbed(stage)
    running: dict[str, int] = {}
    for user, total in await told(stage):
        assert total > running.get(user, 0)
        running[user] = total
    assert running == wanted
    await stage.server.close()


async def _run_undisturbed(stage: Stage) -> None:
    stage.faults.fates.clear()
    stage.faults.breaks.clear()
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await asyncio.sleep(60)
    await worker.stop()


async def _send_with_repeats(stage: Stage, random: Random, orders: list[Order], names: list[str]) -> None:
    for at in range(0, 40, 4):
        for _ in range(random.choice([1, 1, 2])):
            await stage.send(*orders[at : at + 4], ids=names[at : at + 4])
        await asyncio.sleep(random.choice([0, 0.05, 1]))
