"""What a log agent promises, one sentence a test."""

import asyncio
import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stores.errors import CommitUnknown, Fenced, StoreUnavailable
from stores.port import Slot
from streams import App, Worker
from streams.embedded import Break, Fate
from streams.limits import Limits
from streams.testing.virtual_time import VirtualTimeLoop
from tests.streams.engine.stage import Counted, Order, Stage, Unsteady, counting, handled, on_stage, status_of, until


async def totals_are(stage: Stage, **wanted: int) -> None:
    async def right() -> bool:
        return {k: int(v) for k, v in (await stage.table("totals")).items()} == wanted

    await until(right)


async def told(stage: Stage) -> list[tuple[str, int]]:
    """What downstream readers count: the first message of each number on each lane."""
    seen: dict[int, tuple[str, int]] = {}
    for envelope in await stage.log("counted"):
        value = json.loads(envelope.body)
        seen.setdefault(envelope.seq, (value["user"], value["total"]))
    return [seen[seq] for seq in sorted(seen)]


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


async def at_end(stage: Stage, worker: Worker) -> None:
    async def there() -> bool:
        return status_of(worker).position == (await stage.broker.extent("orders")).last

    await until(there)


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
async def test_an_event_that_keeps_failing_becomes_a_dead_letter_and_nothing_else_is_touched(stage: Stage) -> None:
    app, tries = App("counter"), []
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount
            if order.amount == 13:
                tries.append(asyncio.get_running_loop().time())
                raise ValueError("thirteen")

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b", 13), Order("a"), Order("c"))
    await totals_are(stage, a=2, c=1)
    (letter, headers) = (await stage.dead())[0]
    assert json.loads(letter.body)["amount"] == 13
    assert headers["dead-error"] == "ValueError: thirteen"
    assert "totals[order.user]" in headers["dead-traceback"] or "raise ValueError" in headers["dead-traceback"]
    assert (headers["dead-agent"], headers["dead-source"], headers["dead-offset"]) == ("count", "orders", 1)
    assert headers["dead-attempts"] == len(tries) == 4
    assert tries[-1] - tries[0] == pytest.approx(1.0, abs=0.1)
    assert status_of(worker).dead == 1
    await worker.stop()


@on_stage
async def test_an_event_that_fails_for_a_moment_is_handled(stage: Stage) -> None:
    app, failures = App("counter"), iter([True, True, False])
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += 1
            if order.user == "b" and next(failures):
                raise RuntimeError("not yet")

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"), Order("c"))
    await totals_are(stage, a=1, b=1, c=1)
    assert await stage.dead() == []
    await worker.stop()


@on_stage
async def test_ten_dead_letters_in_a_row_pause_the_agent_until_it_works_again(stage: Stage) -> None:
    app, broken = App("counter"), [True]
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            if broken[0]:
                raise RuntimeError("the database of somebody else is away")
            totals[order.user] += 1

    worker = await stage.start(app)
    await stage.send(*[Order(f"u{n}") for n in range(14)])

    async def paused() -> bool:
        return status_of(worker).state == "paused"

    await until(paused)
    assert "10 events in a row have failed" in status_of(worker).reason
    await asyncio.sleep(60)
    assert len(await stage.dead()) == 10
    broken[0] = False
    await totals_are(stage, u10=1, u11=1, u12=1, u13=1)
    assert status_of(worker).state == "running"
    await worker.stop()


@pytest.mark.parametrize(
    ("body", "type_", "reason"),
    [
        (b"{", "order", "not decodable"),
        (b"\xff\xfe", "order", "not decodable"),
        (b'{"user": 5}', "order", "Expected `str`"),
        (b'{"amount": 1}', "order", "missing required field `user`"),
        (b'{"user": "a"}', "ordr", "unknown type 'ordr'"),
        (b"[" * 100_000, "order", "not decodable"),
    ],
)
@on_stage
async def test_what_cannot_be_decoded_becomes_a_dead_letter_with_its_reason(
    stage: Stage, body: bytes, type_: str, reason: str
) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await stage.raw(body, type=type_)
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    ((letter, headers),) = await stage.dead()
    assert letter.body == body
    assert reason in headers["dead-error"]
    await worker.stop()


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
async def test_an_event_from_far_ahead_of_the_log_is_a_dead_letter(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"), time=stage.now() + 2 * 3_600_000)
    await stage.send(Order("b"), time=stage.now() + 3_000_000)
    await totals_are(stage, b=1)
    ((_, headers),) = await stage.dead()
    assert "2.0 h ahead" in headers["dead-error"]
    await worker.stop()


@pytest.mark.parametrize(
    "step",
    [
        ("before", StoreUnavailable()),
        ("before", CommitUnknown()),
        ("after", CommitUnknown()),
        ("before", Fenced()),
        ("after", StoreUnavailable()),
        ("before", asyncio.CancelledError()),
        ("after", asyncio.CancelledError()),
    ],
)
@pytest.mark.parametrize("at", [0, 1])
@on_stage
async def test_whatever_becomes_of_a_commit_each_event_counts_once(
    stage: Stage, step: tuple[str, BaseException], at: int
) -> None:
    app = App("counter")
    counting(app)
    plan: list[tuple[str, BaseException] | None] = [None] * at
    worker = await stage.start(app, limits=Limits(events=2), store=Unsteady(stage.store, [*plan, step]))
    await stage.send(*[Order("a") for _ in range(7)])
    await totals_are(stage, a=7)
    await worker.stop()
    assert await told(stage) == [("a", n) for n in range(1, 8)]
    assert status_of(worker).takeovers == 2


@pytest.mark.parametrize("fate", [Fate.UNCONFIRMED, Fate.LOST, Fate.REFUSED])
@on_stage
async def test_sends_arrive_whatever_becomes_of_their_publishing(stage: Stage, fate: Fate) -> None:
    app = App("counter")
    counting(app)
    stage.faults.fates["out"] = [Fate.KEPT, fate, Fate.KEPT, fate]
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"), Order("a"), Order("c"))
    await totals_are(stage, a=2, b=1, c=1)
    await worker.stop()
    assert sorted(await told(stage)) == [("a", 1), ("a", 2), ("b", 1), ("c", 1)]


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


@on_stage
async def test_a_crash_between_commit_and_publish_loses_no_send(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    stage.faults.fates["out"] = [Fate.LOST] * 1_000
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"))
    await totals_are(stage, a=1, b=1)
    assert "publishing" in status_of(worker).troubles
    await worker.abandon()
    stage.faults.fates.clear()
    again = App("counter")
    counting(again)
    worker = await stage.start(again)
    await asyncio.sleep(30)
    await worker.stop()
    assert sorted(await told(stage)) == [("a", 1), ("b", 1)]


@on_stage
async def test_a_stopped_worker_leaves_no_outbox_and_its_slot_free(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    await worker.stop()
    checkpoint = await stage.store.acquire(Slot("count"), "somebody else", 10)
    assert checkpoint is not None
    assert checkpoint.outbox == b""
    assert checkpoint.position == 0


@on_stage
async def test_an_idle_agents_outbox_is_cleared_so_that_a_crash_repeats_nothing(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await handled(worker, 1)
    await asyncio.sleep(3)
    await worker.abandon()
    await asyncio.sleep(20)
    checkpoint = await stage.store.acquire(Slot("count"), "other", 10)
    assert checkpoint is not None
    assert (checkpoint.position, checkpoint.outbox) == (0, b"")


@on_stage
async def test_a_crashed_workers_slot_is_taken_when_its_heartbeat_has_run_out(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    first = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    await first.abandon()
    again = App("counter")
    counting(again)
    second = await stage.start(again)
    await asyncio.sleep(1)
    assert status_of(second).state == "waiting"
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    await second.stop()


@on_stage
async def test_a_worker_that_was_taken_over_changes_nothing_more(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    zombie = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    assert await stage.store.acquire(Slot("count"), zombie.id, 10) is not None
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    assert status_of(zombie).takeovers == 2
    await zombie.stop()


@on_stage
async def test_a_cut_reader_is_taken_up_again(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    stage.faults.breaks["orders"] = [None, Break.CUT, None, Break.CUT]
    worker = await stage.start(app)
    for _ in range(6):
        await stage.send(Order("a"))
    await totals_are(stage, a=6)
    await worker.stop()


@on_stage
async def test_a_broker_that_is_down_pauses_the_agent_which_resumes_by_itself(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    stage.server.go_down()
    await asyncio.sleep(60)
    assert status_of(worker).state == "paused"
    assert "BrokerUnavailable" in status_of(worker).reason
    stage.server.come_back()
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    assert status_of(worker).state == "running"
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
async def test_a_failing_group_buries_only_the_event_that_fails(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for group in stream.take(3, within=timedelta(seconds=1)):
            for order in group:
                if order.amount == 13:
                    raise ValueError("thirteen")
                totals[order.user] += 1

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"), Order("c"), Order("d"), Order("e", 13), Order("f"))
    await totals_are(stage, a=1, b=1, c=1, d=1, f=1)
    assert len(await stage.dead()) == 1
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


@on_stage
async def test_what_was_skipped_after_a_failing_event_is_committed_too(stage: Stage) -> None:
    app = App("counter")

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            if order.amount == 13:
                raise ValueError("thirteen")

    await stage.send(Order("a", 13))
    await stage.raw(b"{}", type="noise")
    worker = await stage.start(app)
    await at_end(stage, worker)
    await worker.stop()


@on_stage
async def test_a_successor_knows_its_position_before_anything_comes(stage: Stage) -> None:
    await stage.send(Order("a"))
    for _ in range(2):
        app = App("counter")
        counting(app)
        worker = await stage.start(app)
        await at_end(stage, worker)
        await worker.stop()
