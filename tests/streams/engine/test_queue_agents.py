"""What a queue agent promises, one sentence a test."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from stores.errors import StoreUnavailable
from streams import App, Conflict, Record, Worker
from streams.broker import Message, Outcome
from streams.embedded import Break, Fate
from streams.errors import WrongValue
from tests.streams.engine.stage import Counted, Order, Stage, handled, on_stage, status_of, until


class Job(Record):
    """A document: how often a user was served."""

    user: str
    served: int = 0


def serving(app: App, served: list[str], **options: Any) -> None:
    """An agent that notes whom it serves."""
    note = served.append

    @app.agent(app.topic("jobs", value_type=Order), name="serve", **options)
    async def serve(stream: Any) -> None:
        async for order in stream:
            note(order.user)


async def nothing_left(stage: Stage, worker: Worker) -> None:
    async def empty() -> bool:
        return await stage.broker.depth("jobs") == 0

    await until(empty)
    await worker.stop()
    assert await stage.broker.depth("jobs") == 0


@on_stage
async def test_each_message_is_handled_and_acknowledged(stage: Stage) -> None:
    app, served = App("counter"), list[str]()
    serving(app, served)
    worker = await stage.start(app)
    await stage.send(*[Order(f"u{n}") for n in range(20)])
    await handled(worker, 20)
    await nothing_left(stage, worker)
    assert served == [f"u{n}" for n in range(20)]


@on_stage
async def test_what_handlers_send_at_once_leaves_in_few_publishes(stage: Stage) -> None:
    app, publishes = App("counter"), list[int]()
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("jobs", value_type=Order), name="serve", concurrency=50)
    async def serve(stream: Any) -> None:
        async for order in stream:
            await out.send(value=Counted(order.user, 1), key=order.user)

    publish = stage.broker.publish

    async def slow(messages: Sequence[Message]) -> list[Outcome]:
        publishes.append(len(messages))
        await asyncio.sleep(0.1)
        return await publish(messages)

    stage.broker.publish = slow  # type: ignore[method-assign]  # a slow broker: the same one, later
    await stage.send(*[Order(f"u{n}") for n in range(100)])
    worker = await stage.start(app)
    await handled(worker, 100)
    await nothing_left(stage, worker)
    assert len(await stage.log("counted")) == sum(publishes) == 100
    assert len(publishes) <= 6


@on_stage
async def test_what_is_refused_of_what_left_together_is_sent_again(stage: Stage) -> None:
    app = App("counter")
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("jobs", value_type=Order), name="serve", concurrency=10)
    async def serve(stream: Any) -> None:
        async for order in stream:
            await out.send(value=Counted(order.user, 1), key=order.user)

    stage.faults.fates["out"] = [Fate.REFUSED] * 5
    await stage.send(*[Order(f"u{n}") for n in range(10)])
    worker = await stage.start(app)
    await handled(worker, 10)
    await nothing_left(stage, worker)
    assert len(await stage.log("counted")) == 10


@on_stage
async def test_a_failure_climbs_the_ladder_and_then_becomes_a_dead_letter(stage: Stage) -> None:
    app, tries = App("counter"), list[tuple[int, float, str]]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for event in stream.events():
            tries.append((event.attempt, asyncio.get_running_loop().time(), event.idempotency_key))
            raise ValueError("no")

    async def buried() -> bool:
        return len(await stage.dead()) == 1

    with capture_logs() as lines:
        worker = await stage.start(app)
        await stage.send(Order("a"), ids=["first"])
        await until(buried)
    failures = [(line["attempt"], line["error"]) for line in lines if line["event"] == "event failed"]
    assert failures == [(1, "ValueError: no"), (2, "ValueError: no")]
    assert [attempt for attempt, _, _ in tries] == [1, 2, 3]
    assert {key for _, _, key in tries} == {"first"}
    waits = [later[1] - earlier[1] for earlier, later in pairwise(tries)]
    assert waits == pytest.approx([1, 5], abs=0.1)
    ((letter, headers),) = await stage.dead()
    assert json.loads(letter.body) == {"user": "a", "amount": 1}
    assert headers["dead-error"] == "ValueError: no"
    assert headers["dead-attempts"] == 3
    assert (headers["dead-source"], headers["dead-id"], headers["key"]) == ("jobs", "first", "a")
    assert status_of(worker).retried == 2
    await nothing_left(stage, worker)


@on_stage
async def test_a_failure_of_one_message_does_not_hold_up_the_others(stage: Stage) -> None:
    app, served = App("counter"), list[str]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for event in stream.events():
            if event.value.user == "bad" and event.attempt == 1:
                raise ValueError("later")
            served.append(event.value.user)

    worker = await stage.start(app)
    await stage.send(Order("bad"), Order("a"), Order("b"))
    await handled(worker, 3)
    assert served == ["a", "b", "bad"]
    await nothing_left(stage, worker)


@on_stage
async def test_what_cannot_be_decoded_is_a_dead_letter_at_once(stage: Stage) -> None:
    app, served = App("counter"), list[str]()
    serving(app, served)
    worker = await stage.start(app)
    await stage.raw(b"{", type="order")
    await stage.send(Order("a"))
    await handled(worker, 2)
    ((letter, headers),) = await stage.dead()
    assert letter.body == b"{"
    assert headers["dead-attempts"] == 1
    assert "not decodable" in headers["dead-error"]
    await nothing_left(stage, worker)


@on_stage
async def test_sends_leave_when_the_handler_is_done_and_not_when_it_fails(stage: Stage) -> None:
    app, failures = App("counter"), iter([True, False])
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            await out.send(value=Counted(order.user, order.amount), key=order.user)
            if next(failures):
                raise ValueError("after the send")

    worker = await stage.start(app)
    await stage.send(Order("a"))
    await handled(worker, 1)
    assert len(await stage.log("counted")) == 1
    await worker.stop()


@on_stage
async def test_ids_of_sends_are_the_same_at_every_attempt(stage: Stage) -> None:
    app = App("counter")
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            await out.send(value=Counted(order.user, order.amount))

    stage.faults.fates["out"] = [Fate.UNCONFIRMED]
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await handled(worker, 1)
    sent = await stage.log("counted")
    assert len(sent) == 2
    assert len({envelope.id for envelope in sent}) == 1
    await worker.stop()


@on_stage
async def test_what_is_sent_under_an_id_of_its_own_counts_once_whichever_message_sets_it_off(stage: Stage) -> None:
    app, seen = App("counter"), list[str]()
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            await out.send(value=Counted(order.user, order.amount), id=UUID(int=len(order.user)))

    @app.agent(app.topic("counted", value_type=Counted), name="read")
    async def read(stream: Any) -> None:
        async for event in stream.events():
            seen.append(event.id)

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"), Order("long"))

    async def everything_came() -> bool:
        return len(await stage.log("counted")) == 3 and len(seen) == 2

    await until(everything_came)
    assert sorted(seen) == [str(UUID(int=1)), str(UUID(int=4))]
    await worker.stop()


@on_stage
async def test_a_crash_repeats_what_was_not_acknowledged(stage: Stage) -> None:
    served: list[str] = []
    block = asyncio.Event()
    app = App("counter")

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            served.append(order.user)
            await block.wait()

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"))
    await asyncio.sleep(1)
    await worker.abandon()
    again = App("counter")
    serving(again, served)
    worker = await stage.start(again)
    await handled(worker, 2)
    assert served[0] == "a"
    assert sorted(served[1:]) == ["a", "b"]
    await worker.stop()


@on_stage
async def test_stopping_lets_handlers_under_way_finish(stage: Stage) -> None:
    app, served = App("counter"), list[str]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            await asyncio.sleep(3)
            served.append(order.user)

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"))
    await asyncio.sleep(1)
    await worker.stop()
    assert served == ["a"]
    assert await stage.broker.depth("jobs") == 1


@on_stage
async def test_handlers_run_side_by_side_up_to_their_number(stage: Stage) -> None:
    app, running, most = App("counter"), [0], [0]

    @app.agent(app.topic("jobs", value_type=Order), name="serve", concurrency=4)
    async def serve(stream: Any) -> None:
        async for _ in stream:
            running[0] += 1
            most[0] = max(most[0], running[0])
            await asyncio.sleep(1)
            running[0] -= 1

    worker = await stage.start(app)
    await stage.send(*[Order("a") for _ in range(10)])
    await handled(worker, 10)
    assert most == [4]
    await worker.stop()


@on_stage
async def test_a_cancelled_consumer_is_taken_up_again(stage: Stage) -> None:
    app, served = App("counter"), list[str]()
    serving(app, served)
    stage.faults.breaks["jobs"] = [None, Break.CANCELLED, Break.CUT]
    worker = await stage.start(app)
    for n in range(4):
        await stage.send(Order(f"u{n}"))
        await asyncio.sleep(1)
    await handled(worker, 4)
    assert set(served) == {"u0", "u1", "u2", "u3"}
    await nothing_left(stage, worker)


@on_stage
async def test_while_its_store_is_down_messages_are_held_and_not_failed(stage: Stage) -> None:
    app, down = App("counter"), [True]
    jobs = app.documents("jobs_done", Job)

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for event in stream.events():
            assert event.attempt == 1
            job, version = await jobs.get(event.value.user)
            if down[0]:
                raise StoreUnavailable
            await jobs.put(event.value.user, Job(event.value.user, (job.served if job else 0) + 1), version)

    worker = await stage.start(app)
    await stage.send(Order("a"))
    await asyncio.sleep(120)
    assert status_of(worker).state in {"paused", "running"}
    assert await stage.dead() == []
    down[0] = False
    await handled(worker, 1)
    assert (await stage.store.read("jobs_done", ["a"]))["a"].version == 1
    await nothing_left(stage, worker)


@on_stage
async def test_a_document_that_changed_meanwhile_refuses_the_put(stage: Stage) -> None:
    app = App("counter")
    jobs = app.documents("jobs_done", Job)
    worker = await stage.start(app)
    assert await jobs.get("a") == (None, 0)
    assert await jobs.put("a", Job("a"), 0) == 1
    with pytest.raises(Conflict, match="no longer at version 0"):
        await jobs.put("a", Job("a"), 0)
    assert await jobs.put("a", Job("a", 1), 1) == 2
    assert await jobs.get("a") == (Job("a", 1), 2)
    await worker.stop()


@on_stage
async def test_a_document_that_could_not_be_read_again_is_not_written(stage: Stage) -> None:
    app = App("counter")
    jobs = app.documents("jobs_done", Job)
    worker = await stage.start(app)
    with pytest.raises(WrongValue, match=r"document 'a' of 'jobs_done' could not be read again: Expected `int`"):
        await jobs.put("a", Job("a", None), 0)  # type: ignore[arg-type]  # as handlers do that nobody type-checks
    assert await jobs.get("a") == (None, 0)
    await worker.stop()


@on_stage
async def test_puts_of_concurrent_handlers_each_have_their_own_outcome(stage: Stage) -> None:
    app = App("counter")
    jobs = app.documents("jobs_done", Job)
    worker = await stage.start(app)

    async def put(n: int) -> bool:
        try:
            await jobs.put("same" if n % 2 else f"own{n}", Job("x", n), 0)
        except Conflict:
            return False
        return True

    written = await asyncio.gather(*(put(n) for n in range(20)))
    assert sum(written[0::2]) == 10
    assert sum(written[1::2]) == 1
    await worker.stop()


@on_stage
async def test_groups_are_settled_as_a_whole(stage: Stage) -> None:
    app, sizes = App("counter"), list[int]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for group in stream.take(3, within=timedelta(seconds=2)):
            sizes.append(len(group))

    worker = await stage.start(app)
    await stage.send(*[Order("a") for _ in range(5)])
    await handled(worker, 5)
    assert sizes == [3, 2]
    await nothing_left(stage, worker)
