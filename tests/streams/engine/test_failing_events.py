"""Events that cannot be handled: tried again, then dead letters, one by one."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from streams import App
from tests.streams.engine.stage import Order, Stage, at_end, counting, on_stage, status_of, totals_are, until


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
