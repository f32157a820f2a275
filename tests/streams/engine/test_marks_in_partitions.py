"""Due times, replays and resets where a log has partitions."""

import asyncio
from random import Random

from streams import App, Worker
from streams.embedded import Fate
from streams.rewind import Rewind
from streams.source import partition_of, sources
from tests.streams.engine.stage import Order, Stage, on_stage
from tests.streams.engine.stage import counting as count
from tests.streams.engine.test_due_times import reminding
from tests.streams.engine.test_partitions import PARTITIONS, part, totals, totals_are, users
from tests.streams.engine.test_replays import Mood, buried, counting, replay


def with_reminders(stage: Stage, key: str | None) -> None:
    """A log in partitions, in which reminders come due."""
    part(stage, key, due=("reminder",))


async def started(stage: Stage) -> Worker:
    app = App("counter")
    reminding(app)
    return await stage.start(app)


async def reminded(stage: Stage) -> dict[str, int]:
    rows: dict[str, int] = {}
    for number in range(PARTITIONS):
        for key, value in (await stage.store.scan("reminded", number)).items():
            assert partition_of(key, PARTITIONS) == number
            rows[key] = int(value)
    return rows


@on_stage
async def test_what_comes_due_comes_to_the_partition_that_set_it_once(stage: Stage) -> None:
    with_reminders(stage, "user")
    worker = await started(stage)
    await stage.send(*[Order(user, 2) for user in users()])
    await asyncio.sleep(50)
    assert await reminded(stage) == {}
    await worker.abandon()
    again = await started(stage)
    await asyncio.sleep(300)
    assert await reminded(stage) == dict.fromkeys(users(), 2)
    assert sum(standing.due for standing in await stage.store.standings()) == 0
    assert not await stage.dead()
    await again.stop()


@on_stage
async def test_it_comes_there_too_where_the_key_is_the_header(stage: Stage) -> None:
    with_reminders(stage, None)
    worker = await started(stage)
    await stage.send(*[Order(user, 2) for user in users()])
    await asyncio.sleep(120)
    assert await reminded(stage) == dict.fromkeys(users(), 2)
    await worker.stop()


@on_stage
async def test_a_replayed_letter_counts_once_in_its_partition_and_nowhere_else(stage: Stage) -> None:
    part(stage)
    app, mood = App("counter"), Mood()
    counting(app, mood)
    worker = await stage.start(app)
    await stage.send(*[Order(user) for user in users()])
    await stage.send(Order(users()[0], 13), ids=["thirteen"])
    ((letter, headers),) = await buried(stage, 1)
    assert headers["dead-offset"] == len(users())
    mood.superstitious = False
    await replay(stage, letter, headers, times=3)
    await totals_are(stage, **{**dict.fromkeys(users(), 1), users()[0]: 14})
    assert await everything(stage) == {**dict.fromkeys(users(), 1), users()[0]: 2}
    assert sum(standing.dead for standing in await stage.store.standings()) == 0
    await worker.stop()


async def everything(stage: Stage) -> dict[str, int]:
    rows: dict[str, int] = {}
    for number in range(PARTITIONS):
        rows |= {key: int(value) for key, value in (await stage.store.scan("all", number)).items()}
    return rows


@on_stage
async def test_a_stranger_s_word_is_not_passed_on_as_the_forwarder_s(stage: Stage) -> None:
    part(stage)
    app, mood = App("counter"), Mood()
    counting(app, mood)
    worker = await stage.start(app)
    await stage.send(Order(users()[0], 13), ids=["thirteen"])
    ((letter, headers),) = await buried(stage, 1)
    mood.superstitious = False
    await replay(stage, letter, {**headers, "dead-id": "another"}, user="guest")
    await asyncio.sleep(5)
    assert sum(standing.dead for standing in await stage.store.standings()) == 1
    await worker.stop()


@on_stage
async def test_a_partition_that_is_read_again_from_its_beginning_comes_to_the_same(stage: Stage) -> None:
    part(stage)
    stage.faults.fates[""] = [Fate.KEPT, Fate.UNCONFIRMED] * 6  # so that partitions hold some messages twice
    app = App("counter")
    count(app)
    worker = await stage.start(app)
    for _ in range(4):
        await stage.send(*[Order(user) for user in users()])
    await totals_are(stage, **dict.fromkeys(users(), 4))
    await worker.stop()
    sent = len(await stage.log("counted"))
    for source in sources(stage.topology.logs["orders"]):
        tool = Rewind("count", source, ["totals"], stage.store, stage.broker, "tool", 10, Random(1))
        await tool.to("first")
    assert await totals(stage) == {}
    again = App("counter")
    count(again)
    worker = await stage.start(again)
    await totals_are(stage, **dict.fromkeys(users(), 4))
    await worker.stop()
    assert len(await stage.log("counted")) == sent
    written = sum([len(await stage.log(source.stream)) for source in sources(stage.topology.logs["orders"])])
    assert written > 4 * len(users())
