"""An agent knows its log again, or stops."""

import asyncio

from streams import App
from streams.embedded import Embedded
from tests.streams.engine.stage import Order, Stage, counting, on_stage, status_of, until


async def counted(stage: Stage, **totals: int) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)

    async def right() -> bool:
        return {k: int(v) for k, v in (await stage.table("totals")).items()} == totals

    await until(right)
    await worker.stop()


def recreate(stage: Stage) -> None:
    """The same topology on a new broker: every log is empty."""
    stage.server = Embedded(stage.topology, clock=stage.now)
    stage.broker = stage.server.connect("counter")
    stage.publisher._broker = stage.server.connect("guest")


@on_stage
async def test_a_log_with_other_events_halts_the_agent(stage: Stage) -> None:
    await stage.send(Order("a"), Order("a"))
    await counted(stage, a=2)
    await stage.server.close()
    recreate(stage)
    await stage.send(Order("x"), Order("x"), Order("x"))
    app = App("counter")
    counting(app)
    worker = await stage.start(app)

    async def halted() -> bool:
        return status_of(worker).state == "halted"

    await until(halted)
    assert "has another event at offset 1" in status_of(worker).reason
    assert "warren agents reset" in status_of(worker).reason
    assert await stage.table("totals") == {"a": b"2"}
    await worker.stop()


@on_stage
async def test_a_log_that_is_shorter_than_what_was_read_pauses_the_agent_visibly(stage: Stage) -> None:
    await stage.send(Order("a"), Order("a"))
    await counted(stage, a=2)
    await stage.server.close()
    recreate(stage)
    await stage.send(Order("x"))
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await asyncio.sleep(30)
    assert status_of(worker).state in {"paused", "halted"}
    assert "offset 1" in status_of(worker).reason
    assert await stage.table("totals") == {"a": b"2"}
    await worker.stop()
