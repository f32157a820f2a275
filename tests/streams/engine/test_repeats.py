"""Messages that come twice, and which of them count."""

import asyncio
from typing import Any

from streams import App
from streams.embedded import Fate
from tests.streams.engine.stage import Counted, Order, Stage, at_end, counting, on_stage, status_of, totals_are, until


@on_stage
async def test_a_message_published_twice_counts_once(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a"), ids=["x", "x"])
    await stage.send(Order("a"), ids=["x"])
    await stage.send(Order("a"), ids=["y"])
    await totals_are(stage, a=2)
    assert status_of(worker).repeats == 2
    await worker.stop()


@on_stage
async def test_without_deduplication_every_message_counts(stage: Stage) -> None:
    app = App("counter")
    counting(app, dedupe=None)
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a"), ids=["x", "x"])
    await totals_are(stage, a=2)
    await worker.stop()


@on_stage
async def test_an_id_is_remembered_over_a_restart(stage: Stage) -> None:
    for _ in range(2):
        app = App("counter")
        counting(app)
        worker = await stage.start(app)
        await stage.send(Order("a"), ids=["x"])
        await stage.send(Order("b"))
        await at_end(stage, worker)
        await worker.stop()
    assert {k: int(v) for k, v in (await stage.table("totals")).items()} == {"a": 1, "b": 2}


@on_stage
async def test_lane_headers_of_strangers_do_not_count(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    forged = {"lane": "counter/count/0@x", "seq": 1, "floor": 1}
    await stage.send(Order("a"), headers=forged)
    await stage.send(Order("a"), headers=forged)
    await totals_are(stage, a=2)
    await worker.stop()


@on_stage
async def test_a_lost_confirm_leaves_a_duplicate_on_the_wire_that_nobody_counts(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    sums = app.Table("sums", default=int)

    @app.agent(app.topic("counted", value_type=Counted), name="sum", tables=(sums,))
    async def add(stream: Any) -> None:
        async for counted in stream:
            sums[counted.user] += 1

    app.agents["count"] = _with_tables(app.agents["count"], ("totals",))
    stage.faults.fates["out"] = [Fate.KEPT, Fate.UNCONFIRMED]
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a"), Order("a"))

    async def summed() -> bool:
        return (await stage.table("sums")).get("a") == b"3"

    await until(summed)
    await asyncio.sleep(60)
    assert await stage.table("sums") == {"a": b"3"}
    assert len(await stage.log("counted")) > 3
    assert status_of(worker, "sum").repeats >= 1
    await worker.stop()


def _with_tables(agent: Any, tables: tuple[str, ...]) -> Any:
    return type(agent)(agent.service, agent.name, agent.body, agent.topic, 1, (), 200, tables)
