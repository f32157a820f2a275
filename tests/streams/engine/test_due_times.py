"""Due times come once, whatever fails between setting one and handling it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from random import Random
from typing import Any

import pytest

from stores.errors import CommitUnknown, StoreUnavailable
from stores.port import Slot
from streams import App, Record, Stream, Worker
from streams.broker import Message
from streams.embedded import Break, Fate
from streams.errors import DeclarationError
from streams.limits import Limits
from streams.rewind import Rewind
from streams.schedule import unpack
from streams.source import Source
from streams.testing.virtual_time import VirtualTimeLoop
from tests.streams.engine.stage import EPOCH_MS, Counted, Order, Stage, Unsteady, handled, status_of, topology, until
from topology.spec import Topology


class Reminder(Record, event="reminder"):
    """What comes due."""

    user: str
    amount: int


def with_due(*types: str) -> Topology:
    """The stage's topology, with types that come due in the log `orders`."""
    services = topology().services
    return Topology(
        tuple(
            replace(s, logs=tuple(replace(log, due=types) if log.name == "orders" else log for log in s.logs))
            for s in services
        )
    )


def on_due_stage(test: Callable[[Stage], Awaitable[None]]) -> Callable[[], None]:
    @wraps(test)
    def in_virtual_time() -> None:
        async def run() -> None:
            stage = Stage(with_due("reminder"))
            await test(stage)
            await stage.server.close()

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(run())

    del in_virtual_time.__wrapped__  # or pytest asks for a fixture `stage`
    return in_virtual_time


def reminding(app: App, *, after: int = 60) -> None:
    """An agent that is reminded of each order a minute later. An amount of 0 clears; 13 fails when it comes due."""
    reminded = app.Table("reminded", default=int)
    seen = app.Table("seen", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order | Reminder), name="remind")
    async def remind(stream: Stream[Any]) -> None:
        async for event in stream.events():
            value = event.value
            if isinstance(value, Reminder):
                reminded[value.user] += value.amount
                if value.amount == 13:
                    raise ValueError("thirteen")
                await out.send(value=Counted(value.user, reminded[value.user]))
            elif value.amount == 0:
                stream.unschedule(value.user)
            else:
                seen[value.user] += 1
                at = event.time + timedelta(seconds=after)
                stream.schedule(value.user, at, Reminder(value.user, value.amount))


async def started(stage: Stage, **options: Any) -> Worker:
    app = App("counter")
    reminding(app)
    return await stage.start(app, **options)


async def reminders(stage: Stage) -> dict[str, int]:
    return {user: int(value) for user, value in (await stage.table("reminded")).items()}


async def come(stage: Stage, **wanted: int) -> None:
    async def there() -> bool:
        return await reminders(stage) == wanted

    await until(there, within=600)


async def in_log(stage: Stage) -> list[str]:
    """The ids of all reminders in the log."""
    return [envelope.id for envelope in await stage.log("orders") if envelope.type == "reminder"]


@on_due_stage
async def test_a_record_comes_when_its_time_has_come_and_not_before(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5))
    await asyncio.sleep(59)
    assert await reminders(stage) == {}
    await asyncio.sleep(3)
    assert await reminders(stage) == {"a": 5}
    assert len(await stage.log("counted")) == 1
    (reminder,) = [e for e in await stage.log("orders") if e.type == "reminder"]
    assert (reminder.key, reminder.time) == ("a", EPOCH_MS + 60_000)
    await worker.stop()


@on_due_stage
async def test_it_comes_once_and_its_row_is_gone(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5), Order("b", 7))
    await come(stage, a=5, b=7)
    await asyncio.sleep(300)
    assert await reminders(stage) == {"a": 5, "b": 7}
    assert len(await in_log(stage)) == 2
    (standing,) = await stage.store.standings()
    assert standing.due == 0
    await worker.stop()


@on_due_stage
async def test_a_cleared_one_does_not_come_and_one_set_anew_comes_as_it_was_set_last(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5), Order("b", 7))
    await asyncio.sleep(30)
    await stage.send(Order("a", 0), Order("b", 8), Order("never", 0))
    await asyncio.sleep(45)
    assert await reminders(stage) == {}
    await come(stage, b=8)
    await asyncio.sleep(300)
    assert await reminders(stage) == {"b": 8}
    await worker.stop()


@on_due_stage
async def test_one_that_was_cleared_while_its_message_was_on_its_way_is_skipped(stage: Stage) -> None:
    """The message is in the log already, behind the order that clears it, in the same batch."""
    worker = await started(stage)
    await stage.send(Order("a", 5), Order("b", 6), Order("c", 7))
    await handled(worker, 3)
    await asyncio.sleep(2)
    await worker.stop()
    rows = await stage.store.due(slot_of(worker), 2**62, 10)
    await stage.send(Order("a", 0), Order("b", 8))
    await asyncio.sleep(60)
    await publish(stage, *(row.message for row in rows))
    worker = await started(stage)
    await come(stage, c=7)
    assert status_of(worker).repeats >= 2
    await come(stage, b=8, c=7)
    await worker.stop()


def slot_of(worker: Worker) -> Slot:
    return Slot(status_of(worker).agent)


async def publish(stage: Stage, *packed: bytes) -> None:
    await stage.broker.publish([unpack(message) for message in packed])


@on_due_stage
async def test_repeats_are_skipped_in_one_batch_and_in_later_ones(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5))
    await handled(worker, 1)
    (row,) = await stage.store.due(slot_of(worker), 2**62, 10)
    await asyncio.sleep(58)
    await worker.stop()
    await asyncio.sleep(5)
    await publish(stage, row.message, row.message, row.message)
    worker = await started(stage)
    await come(stage, a=5)
    await publish(stage, row.message)
    await asyncio.sleep(100)
    assert await reminders(stage) == {"a": 5}
    assert status_of(worker).handled == 1
    await worker.stop()


@on_due_stage
async def test_one_that_comes_too_early_by_the_log_s_clock_is_sent_again(stage: Stage) -> None:
    app = App("counter")
    reminding(app)
    await stage.store.apply(app.specs())
    fast = Worker(
        [app],
        broker=stage.broker,
        stores={"counter": stage.store},
        topology=stage.topology,
        now=lambda: stage.now() + 20_000,
        ids=Random(9),
    )
    await fast.start()
    await stage.send(Order("a", 5), time=EPOCH_MS)
    await asyncio.sleep(55)
    assert len(await in_log(stage)) == 1
    assert await reminders(stage) == {}
    await come(stage, a=5)
    assert 60 <= asyncio.get_running_loop().time() < 75
    await fast.stop()


@on_due_stage
async def test_what_is_skipped_moves_no_watermark(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5), time=EPOCH_MS)
    await handled(worker, 1)
    await worker.stop()
    (row,) = await stage.store.due(slot_of(worker), 2**62, 10)
    await publish(stage, row.message)
    await stage.send(Order("z", 0), time=EPOCH_MS)
    worker = await started(stage)
    await handled(worker, 1)
    assert status_of(worker).repeats == 1
    await worker.stop()
    checkpoint = await stage.store.acquire(slot_of(worker), "looking", 1)
    assert checkpoint is not None
    assert checkpoint.watermark == EPOCH_MS


@on_due_stage
async def test_after_a_reset_what_came_due_before_is_not_published_again(stage: Stage) -> None:
    """Reminder `b` fails for a second, in which its row stands, and its time is long over."""
    worker = await started(stage)
    await stage.send(Order("a", 5), Order("b", 13))
    await come(stage, a=5)
    await asyncio.sleep(100)
    await worker.stop()
    before = await in_log(stage)
    tool = Rewind(
        "remind",
        Source("orders", "orders"),
        ["reminded", "seen"],
        stage.store,
        stage.broker,
        "tool",
        10,
        Random(1),
    )
    await tool.to("first")
    worker = await started(stage)
    await come(stage, a=5)
    await asyncio.sleep(100)
    assert await in_log(stage) == before
    assert (await stage.store.standings())[0].due == 0
    await worker.stop()


@on_due_stage
async def test_nobody_else_s_word_makes_a_due_time_come(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5))
    await handled(worker, 1)
    (row,) = await stage.store.due(slot_of(worker), 2**62, 10)
    await asyncio.sleep(20)
    message = Message(
        exchange="in",
        routing_key="noise",
        body=b'{"user":"a","amount":5}',
        message_id="forged",
        type="noise",
        headers={"schedule": f"counter/remind/{row.cause}", "key": "a", "time": row.at},
    )
    await stage.publisher.publish([message])
    await asyncio.sleep(20)
    assert await reminders(stage) == {}
    await come(stage, a=5)
    await worker.stop()


@on_due_stage
async def test_one_whose_handler_fails_becomes_a_dead_letter_and_is_done(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 13), Order("b", 2))
    await come(stage, b=2)
    await asyncio.sleep(200)
    ((letter, headers),) = await stage.dead()
    assert letter.type == "reminder"
    assert headers["dead-error"] == "ValueError: thirteen"
    assert (await stage.store.standings())[0][3:] == (0, 1)
    await worker.stop()


@on_due_stage
async def test_a_type_that_is_read_no_more_becomes_a_dead_letter_and_is_done(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(Order("a", 5))
    await handled(worker, 1)
    await worker.stop()
    app = App("counter")

    @app.agent(app.topic("orders", value_type=Order), name="remind")
    async def remind(stream: Stream[Order]) -> None:
        async for _ in stream:
            pass

    @app.agent(app.topic("orders", value_type=Reminder), name="other")
    async def other(stream: Stream[Reminder]) -> None:
        async for _ in stream:
            raise ValueError("not for this one")

    later = await stage.start(app)

    async def buried() -> bool:
        return len(await stage.dead()) == 1

    await until(buried, within=200)
    await asyncio.sleep(100)
    assert [standing.due for standing in await stage.store.standings()] == [0, 0]
    ((_, headers),) = await stage.dead()
    assert (headers["dead-agent"], "unknown type" in headers["dead-error"]) == ("remind", True)
    await later.stop()


@on_due_stage
async def test_another_agent_of_the_log_is_not_reminded(stage: Stage) -> None:
    app = App("counter")
    reminding(app)
    tables = tuple(app.tables.values())
    app.agents["remind"] = replace(app.agents["remind"], tables=tuple(table.name for table in tables))
    others = app.Table("others", default=int)

    @app.agent(app.topic("orders", value_type=Order | Reminder), name="other", tables=(others,))
    async def other(stream: Stream[Any]) -> None:
        async for event in stream.events():
            if isinstance(event.value, Reminder):
                others[event.value.user] += 1
            else:
                stream.schedule(event.value.user, event.time + timedelta(seconds=90), Reminder("mine", 1))

    worker = await stage.start(app)
    await stage.send(Order("a", 5))
    await come(stage, a=5)
    assert await stage.table("others") == {}

    async def reminded() -> bool:
        return await stage.table("others") == {"mine": b"1"}

    await until(reminded, within=100)
    assert await reminders(stage) == {"a": 5}
    await worker.stop()


@on_due_stage
async def test_an_undeclared_type_is_refused_where_it_is_scheduled(stage: Stage) -> None:
    app = App("counter")

    @app.agent(app.topic("orders", value_type=Order | Reminder), name="wrong")
    async def wrong(stream: Stream[Any]) -> None:
        async for event in stream.events():
            stream.schedule("k", event.time, Order("a"))

    worker = await stage.start(app)
    await stage.send(Order("a"))

    async def buried() -> bool:
        return bool(await stage.dead())

    await until(buried)
    ((_, headers),) = await stage.dead()
    assert "log 'orders' does not declare" in headers["dead-error"]
    await worker.stop()


async def test_what_comes_due_has_to_be_read_by_somebody() -> None:
    stage = Stage(with_due("remainder"))
    app = App("counter")
    reminding(app)
    with pytest.raises(DeclarationError, match=r"'remainder' comes due in log 'orders'.*did you mean 'reminder'"):
        await stage.start(app)


@on_due_stage
async def test_more_due_times_than_are_sent_at_once_all_come(stage: Stage) -> None:
    worker = await started(stage)
    await stage.send(*[Order(f"u{n}", 1) for n in range(2_500)])
    await come(stage, **{f"u{n}": 1 for n in range(2_500)})
    assert asyncio.get_running_loop().time() < 75
    await worker.stop()


COMMITS: list[tuple[str, BaseException] | None] = [
    *[None] * 4,
    ("before", StoreUnavailable()),
    ("before", CommitUnknown()),
    ("after", CommitUnknown()),
]
FATES = [Fate.KEPT] * 6 + [Fate.LOST, Fate.UNCONFIRMED, Fate.REFUSED]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("limits", [Limits(), Limits(events=2)])
def test_each_comes_once_whatever_fails_and_wherever_batches_end(seed: int, limits: Limits) -> None:
    async def run() -> None:
        stage, random = Stage(with_due("reminder")), Random(seed)
        stage.faults.fates[""] = random.choices(FATES, k=60)
        stage.faults.fates["out"] = random.choices(FATES, k=60)
        stage.faults.breaks["orders"] = random.choices([None, None, Break.CUT], k=20)
        users = [f"u{n}" for n in range(12)]
        await stage.send(*[Order(user, 3) for user in users], Order("u0", 0))
        for _ in range(10):
            worker = await started(stage, limits=limits, store=Unsteady(stage.store, random.choices(COMMITS, k=20)))
            await asyncio.sleep(random.choice([0.05, 1, 20, 31, 70]))
            await (worker.stop() if random.random() < 0.3 else worker.abandon())
        stage.faults.fates.clear()
        stage.faults.breaks.clear()
        worker = await started(stage, limits=limits)
        await come(stage, **dict.fromkeys(users[1:], 3))
        await asyncio.sleep(100)
        assert await reminders(stage) == dict.fromkeys(users[1:], 3)
        assert len({sent.seq for sent in await stage.log("counted")}) == 11
        assert (await stage.store.standings())[0].due == 0
        await worker.stop()
        await stage.server.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run())
