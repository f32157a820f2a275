"""A dead letter that is replayed counts once, with the agent that buried it and with nobody else."""

from typing import Any

import pytest

from streams import App, Stream, Worker
from streams.admission import only_mark
from streams.broker import Message
from streams.limits import Limits
from tests.streams.engine.stage import Counted, Order, Stage, on_stage, status_of, until


class Mood:
    """Whether the agent fails on thirteen."""

    def __init__(self) -> None:
        self.superstitious = True


def counting(app: App, mood: Mood) -> None:
    """Two agents on one log: one fails on thirteen, one counts everything."""
    totals, all_ = app.Table("totals", default=int), app.Table("all", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count", tables=(totals,))
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            totals[order.user] += order.amount
            if order.amount == 13 and mood.superstitious:
                raise ValueError("thirteen")
            await out.send(value=Counted(order.user, totals[order.user]))

    @app.agent(app.topic("orders", value_type=Order), name="all", tables=(all_,))
    async def everything(stream: Stream[Order]) -> None:
        async for order in stream:
            all_[order.user] += 1


async def started(stage: Stage, mood: Mood, **options: Any) -> Worker:
    app = App("counter")
    counting(app, mood)
    return await stage.start(app, **options)


async def buried(stage: Stage, count: int) -> list[tuple[Any, dict[str, Any]]]:
    async def there() -> bool:
        return len(await stage.dead()) == count

    await until(there, within=60)
    return await stage.dead()


async def replay(stage: Stage, letter: Any, headers: dict[str, Any], *, times: int = 1, user: str = "counter") -> None:
    message = Message(
        exchange="",
        routing_key=headers["dead-source"],
        body=letter.body,
        message_id=headers["dead-id"],
        type=letter.type,
        headers={"only": only_mark(f"{headers['dead-service']}/{headers['dead-agent']}", headers["dead-offset"])},
    )
    broker = stage.server.connect(user)
    for _ in range(times):
        await broker.publish([message])


async def at_rest(stage: Stage, worker: Worker) -> None:
    last = (await stage.broker.extent("orders")).last

    async def there() -> bool:
        return all(status.position == last for status in worker.status())

    await until(there, within=60)


@pytest.mark.parametrize("limits", [Limits(), Limits(events=1)])
@on_stage
async def test_a_replayed_letter_counts_once_however_often_it_comes(stage: Stage, limits: Limits) -> None:
    mood = Mood()
    worker = await started(stage, mood, limits=limits)
    await stage.send(Order("a", 1), Order("a", 13))
    ((letter, headers),) = await buried(stage, 1)
    mood.superstitious = False
    await replay(stage, letter, headers, times=3)
    await at_rest(stage, worker)
    await replay(stage, letter, headers)
    await at_rest(stage, worker)
    assert await stage.table("totals") == {"a": b"14"}
    assert await stage.table("all") == {"a": b"2"}
    assert len(await stage.log("counted")) == 2
    assert [standing.dead for standing in await stage.store.standings()] == [0, 0]
    await worker.stop()


@on_stage
async def test_a_replayed_letter_that_fails_again_is_the_same_letter(stage: Stage) -> None:
    mood = Mood()
    worker = await started(stage, mood)
    await stage.send(Order("a", 13))
    ((letter, headers),) = await buried(stage, 1)
    await replay(stage, letter, headers)
    _, (again, later) = await buried(stage, 2)
    assert (again.id, later["dead-offset"], later["dead-id"]) == (letter.id, headers["dead-offset"], headers["dead-id"])
    mood.superstitious = False
    await replay(stage, again, later)
    await at_rest(stage, worker)
    assert await stage.table("totals") == {"a": b"13"}
    await worker.stop()


@on_stage
async def test_a_replay_by_somebody_who_is_not_trusted_is_a_message_as_any_other(stage: Stage) -> None:
    mood = Mood()
    worker = await started(stage, mood)
    await stage.send(Order("a", 13), ids=["thirteen"])
    ((letter, headers),) = await buried(stage, 1)
    mood.superstitious = False
    await replay(stage, letter, headers, user="stranger")
    await at_rest(stage, worker)
    assert await stage.table("totals") == {}
    assert [status_of(worker, name).repeats for name in ("count", "all")] == [1, 1]
    await worker.stop()


@on_stage
async def test_a_replay_of_what_never_died_counts_for_nobody(stage: Stage) -> None:
    mood = Mood()
    worker = await started(stage, mood)
    await stage.send(Order("a", 1), Order("a", 13))
    ((letter, headers),) = await buried(stage, 1)
    mood.superstitious = False
    await replay(stage, letter, {**headers, "dead-offset": 0})
    await replay(stage, letter, {**headers, "dead-agent": "nobody"})
    await at_rest(stage, worker)
    assert await stage.table("totals") == {"a": b"1"}
    assert await stage.table("all") == {"a": b"2"}
    await worker.stop()


@on_stage
async def test_a_replay_counts_after_a_crash_in_between(stage: Stage) -> None:
    mood = Mood()
    worker = await started(stage, mood)
    await stage.send(Order("a", 13))
    ((letter, headers),) = await buried(stage, 1)
    await worker.abandon()
    mood.superstitious = False
    await replay(stage, letter, headers, times=2)
    worker = await started(stage, mood)
    await at_rest(stage, worker)
    await worker.abandon()
    worker = await started(stage, mood)
    await replay(stage, letter, headers)
    await at_rest(stage, worker)
    assert await stage.table("totals") == {"a": b"13"}
    await worker.stop()
