"""Going back makes the same tables again, and nothing is sent twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from stores.port import Slot
from streams import App
from streams.custody import AtWork
from streams.embedded import Embedded, Fate
from streams.limits import Limits
from streams.places import Places
from streams.rewind import NotThere, Rewind, Rewound, Target
from streams.source import Source
from tests.streams.engine.stage import EPOCH_MS, Order, Stage, counting, handled, on_stage, status_of, until

SLOT = Slot("count")


def app_of() -> App:
    app = App("counter")
    counting(app)
    return app


async def totals(stage: Stage) -> dict[str, int]:
    return {user: int(value) for user, value in (await stage.table("totals")).items()}


async def count(stage: Stage, *orders: Order, until_position: int | None = None, **options: Any) -> None:
    """Publish, and let a worker come to the end."""
    await stage.send(*orders)
    worker = await stage.start(app_of(), **options)
    last = (await stage.broker.extent("orders")).last

    async def there() -> bool:
        return status_of(worker).position == last

    await until(there, within=120)
    await worker.stop()


async def back(stage: Stage, target: Target = "first") -> Rewound:
    tool = Rewind("count", Source("orders", "orders"), ["totals"], stage.store, stage.broker, "tool", 10, Random(5))
    return await tool.to(target)


@pytest.mark.parametrize("limits", [Limits(), Limits(events=1)])
@on_stage
async def test_an_agent_that_went_back_makes_its_tables_again_and_sends_only_what_is_new(
    stage: Stage, limits: Limits
) -> None:
    await count(stage, Order("a"), Order("b", 2), Order("a", 3), limits=limits)
    sent = await stage.log("counted")
    assert await back(stage) == Rewound(SLOT, before=2, next=-1, quiet=2)
    assert await totals(stage) == {}
    await count(stage, Order("a", 10), limits=limits)
    assert await totals(stage) == {"a": 14, "b": 2}
    later = await stage.log("counted")
    assert [e.id for e in later[:3]] == [e.id for e in sent]
    assert [(e.seq, e.lane) for e in later[3:]] == [(3 << 16, sent[0].lane)]


@on_stage
async def test_a_crash_while_the_past_is_made_again_changes_nothing(stage: Stage) -> None:
    await count(stage, *[Order("a") for _ in range(30)])
    await back(stage)
    for _ in range(5):
        worker = await stage.start(app_of(), limits=Limits(events=2))
        await asyncio.sleep(0.004)
        await worker.abandon()
        await asyncio.sleep(11)
    await count(stage, Order("a"), limits=Limits(events=2))
    assert await totals(stage) == {"a": 31}
    assert len(await stage.log("counted")) == 31


@on_stage
async def test_going_back_twice_keeps_sends_off_up_to_where_they_were_made(stage: Stage) -> None:
    await count(stage, *[Order("a") for _ in range(10)])
    await back(stage)
    assert (await back(stage)).quiet == 9
    await count(stage)
    assert len(await stage.log("counted")) == 10
    assert await totals(stage) == {"a": 10}


@on_stage
async def test_what_was_committed_and_not_sent_is_sent_before(stage: Stage) -> None:
    stage.faults.fates["out"] = [Fate.REFUSED] * 50
    worker = await stage.start(app_of())
    await stage.send(Order("a"))
    await handled(worker, 1)
    await worker.abandon()
    await asyncio.sleep(11)
    stage.faults.fates.clear()
    assert await stage.log("counted") == []
    await back(stage)
    assert len(await stage.log("counted")) == 1
    await count(stage)
    assert len(await stage.log("counted")) == 1


@on_stage
async def test_an_agent_at_work_is_left_alone(stage: Stage) -> None:
    worker = await stage.start(app_of())
    await stage.send(Order("a"))
    await handled(worker, 1)
    with pytest.raises(AtWork, match="stop it first"):
        await back(stage)
    await stage.send(Order("a"))
    await handled(worker, 2)
    assert await totals(stage) == {"a": 2}
    await worker.stop()
    assert not (await stage.store.roster()).workers


@on_stage
async def test_back_to_an_offset_and_to_a_moment(stage: Stage) -> None:
    for amount in (1, 2, 4, 8):
        await count(stage, Order("a", amount))
        await asyncio.sleep(100)
    assert (await back(stage, 2)).next == 2
    await count(stage)
    assert await totals(stage) == {"a": 12}
    moment = datetime.fromtimestamp(await log_time(stage, 2) / 1000, UTC)
    for target, total in ((moment, 12), (moment + timedelta(seconds=1), 8), (moment - timedelta(days=1), 15)):
        await back(stage, target)
        await count(stage)
        assert await totals(stage) == {"a": total}
    assert (await back(stage, moment + timedelta(days=1))).next == 4
    assert len(await stage.log("counted")) == 4


async def log_time(stage: Stage, offset: int) -> int:
    async with stage.broker.read("orders", offset) as reader:
        async for chunk in reader:
            if chunk.first <= offset < chunk.first + len(chunk.raws):
                return chunk.time
    raise AssertionError


@on_stage
async def test_a_place_that_the_log_does_not_hold_is_refused_with_what_it_holds(stage: Stage) -> None:
    await count(stage, Order("a"), Order("a"))
    with pytest.raises(NotThere, match="holds the offsets 0 to 1, and not 7"):
        await back(stage, 7)
    await stage.send(Order("a"), Order("a"))
    with pytest.raises(NotThere, match="lies ahead"):
        await back(stage, 3)
    assert await totals(stage) == {"a": 2}


@on_stage
async def test_a_log_that_was_made_anew_is_read_under_a_new_lane(stage: Stage) -> None:
    await count(stage, Order("a"), Order("a"))
    (lane,) = {e.lane for e in await stage.log("counted")}
    await stage.server.close()
    stage.server = Embedded(stage.topology, clock=stage.now)
    stage.broker = stage.server.connect("counter")
    stage.publisher._broker = stage.server.connect("guest")
    await stage.send(Order("x"))
    assert (await back(stage)).quiet == -1
    await count(stage, Order("x"))
    assert await totals(stage) == {"x": 2}
    sent = await stage.log("counted")
    assert len(sent) == 2
    assert {e.lane for e in sent} != {lane}


@on_stage
async def test_moments_are_found_wherever_they_lie(stage: Stage) -> None:
    times = []
    for number in range(40):
        await stage.send(*[Order("a")] * (1 + number % 3))
        times.append(stage.now())
        await asyncio.sleep(1 + number % 5)
    places = Places(stage.broker, "orders")
    taken = [await log_time(stage, offset) for offset in range((await places.extent()).last + 1)]
    for moment in (0, *times, *(time + 1 for time in times), EPOCH_MS * 2):
        assert await places.at(moment) == sum(time < moment for time in taken)
