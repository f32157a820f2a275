"""No message stops a partition: what cannot be handled becomes a dead letter, and the next events count."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID

import pytest
from msgspec import Meta

from stores.memory import MemoryStore
from streams import App, Event, Record
from streams.embedded import Fate
from streams.limits import Limits
from tests.streams.engine.stage import Counted, Order, Stage, handled, on_stage, status_of, until


async def reason_of_the_only_dead_letter(stage: Stage) -> str:
    async def there() -> bool:
        return len(await stage.dead()) > 0

    await until(there)
    ((_, headers),) = await stage.dead()
    return str(headers["dead-error"])


class Tally(Record):
    """A table's value as its type comes to be, in a newer version of the agent."""

    total: int
    orders: int = 0


class TallyWithout(Record):
    """The version before."""

    total: int


class TallyTooNew(Record):
    """One that asks too much of the rows that are there."""

    total: int
    orders: int


def tallying(value: type[Any]) -> App:
    app = App("counter")
    tallies = app.Table("tallies", value_type=value, default=lambda: value(total=0))

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            tally = tallies[order.user]
            tally.total += order.amount
            if value is not TallyWithout:
                tally.orders += 1

    return app


@on_stage
async def test_rows_that_a_new_version_cannot_read_pause_it_and_no_event_dies_of_them(stage: Stage) -> None:
    worker = await stage.start(tallying(TallyWithout))
    await stage.send(Order("a"), Order("b"))
    await handled(worker, 2)
    await worker.stop()
    worker = await stage.start(tallying(TallyTooNew))
    await stage.send(*[Order("a")] * 30)
    await asyncio.sleep(120)
    status = status_of(worker)
    assert (status.state, status.handled, await stage.dead()) == ("paused", 0, [])
    assert "row 'a' of table 'tallies' cannot be read" in status.reason
    await worker.stop()
    worker = await stage.start(tallying(Tally))
    await handled(worker, 30)
    assert (await stage.table("tallies"))["a"] == b'{"total":31,"orders":30}'
    await worker.stop()


@on_stage
async def test_a_row_that_was_written_by_hand_counts_as_soon_as_it_is_mended(stage: Stage) -> None:
    worker = await stage.start(tallying(Tally))
    await stage.send(Order("a"))
    await handled(worker, 1)
    await worker.stop()
    await _write(stage, b"nonsense")
    worker = await stage.start(tallying(Tally))
    await stage.send(Order("a"))
    await asyncio.sleep(60)
    assert (status_of(worker).state, await stage.dead()) == ("paused", [])
    await _write(stage, b'{"total":7}')
    await handled(worker, 1)
    assert (await stage.table("tallies"))["a"] == b'{"total":8,"orders":1}'
    await worker.stop()


async def _write(stage: Stage, value: bytes) -> None:
    """Past the engine, without anybody's epoch."""
    rows = cast(MemoryStore, stage.store)._tables["tallies"].partitions[0]
    rows["a"] = value


@pytest.mark.parametrize("user", ["x" * 1_025, "\0", "ü" * 513])
@on_stage
async def test_an_event_whose_key_no_store_takes_is_a_dead_letter(stage: Stage, user: str) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += 1

    worker = await stage.start(app)
    await stage.send(Order("a"), Order(user), Order("a"))
    await handled(worker, 3)
    assert await stage.table("totals") == {"a": b"2"}
    assert "key" in await reason_of_the_only_dead_letter(stage)
    await worker.stop()


@on_stage
async def test_an_event_whose_key_cannot_be_loaded_is_a_dead_letter(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int, resident=False, keys=lambda event: ())

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            await totals.load(order.user)
            totals[order.user] += 1

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("\0"), Order("a"))
    await handled(worker, 3)
    assert await stage.table("totals") == {"a": b"2"}
    assert "NUL" in await reason_of_the_only_dead_letter(stage)
    await worker.stop()


def first_word(event: Event[Any]) -> str:
    return str(event.value.user.split()[0])


@pytest.mark.parametrize("user", ["", "x" * 1_025])
@on_stage
async def test_an_event_whose_keys_cannot_be_computed_is_a_dead_letter(stage: Stage, user: str) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int, resident=False, keys=first_word)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user.split()[0]] += 1

    worker = await stage.start(app)
    await stage.send(Order("a"), Order(user), Order("a b"))
    await handled(worker, 3)
    assert await stage.table("totals") == {"a": b"2"}
    await reason_of_the_only_dead_letter(stage)
    await worker.stop()


@on_stage
async def test_an_event_that_makes_a_value_which_cannot_be_written_is_a_dead_letter(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount
            await out.send(value=Counted(order.user, totals[order.user]))
            if order.amount == 13:
                totals["odd"] = 1j  # type: ignore[assignment]  # the mistake that is tested

    worker = await stage.start(app)
    many = [Order("b") for _ in range(300)]
    await stage.send(*many, Order("a", 2), Order("a", 13), Order("a", 1), *many)
    await handled(worker, 603)
    assert await stage.table("totals") == {"a": b"3", "b": b"600"}
    assert "complex" in await reason_of_the_only_dead_letter(stage)
    assert len(await stage.log("counted")) == 602
    assert asyncio.get_running_loop().time() < 30
    await worker.stop()


@pytest.mark.parametrize(
    ("type_", "wrong"), [(int, None), (int, True), (int, "13"), (float, float("inf")), (Annotated[int, Meta(ge=0)], -1)]
)
@on_stage
async def test_an_event_that_makes_a_row_which_could_not_be_read_again_is_a_dead_letter(
    stage: Stage, type_: Any, wrong: object
) -> None:
    app = App("counter")
    totals = app.Table("totals", value_type=type_, default=lambda: 0)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount
            if order.amount == 13:
                totals[order.user] = wrong

    worker = await stage.start(app)
    await stage.send(*[Order("a")] * 20, Order("a", 13), *[Order("b")] * 20)
    await handled(worker, 41)
    await stage.send(Order("a"))
    await handled(worker, 42)
    rows = {key: float(value) for key, value in (await stage.table("totals")).items()}
    assert rows == {"a": 21, "b": 20}
    assert "row 'a' of table 'totals' could not be read again" in await reason_of_the_only_dead_letter(stage)
    await worker.stop()


@on_stage
async def test_an_event_that_makes_a_send_at_a_time_without_zone_is_a_dead_letter(stage: Stage) -> None:
    app = App("counter")
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            zone = UTC if order.amount == 1 else None
            await out.send(value=Counted("x", 1), time=datetime(2023, 11, 14, tzinfo=zone))

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a", 2))
    await handled(worker, 2)
    assert "has no time zone" in await reason_of_the_only_dead_letter(stage)
    assert len(await stage.log("counted")) == 1
    await worker.stop()


@on_stage
async def test_an_event_that_makes_a_send_with_too_large_headers_is_a_dead_letter(stage: Stage) -> None:
    app = App("counter")
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            await out.send(value=Counted("x", 1), key=order.user)

    worker = await stage.start(app)
    await stage.send(Order("a"), headers={"traceparent": "x" * 10_000})
    await stage.raw(b'{"user": "%s"}' % (b"x" * 200_000))
    await handled(worker, 2)
    assert "does not fit into the headers" in await reason_of_the_only_dead_letter(stage)
    assert len(await stage.log("counted")) == 1
    await worker.stop()


@on_stage
async def test_a_body_that_is_cancelled_from_within_has_failed(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            if order.amount == 13:
                raise asyncio.CancelledError
            totals[order.user] += 1

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a", 13), Order("a"))
    await handled(worker, 3)
    assert await stage.table("totals") == {"a": b"2"}
    assert "CancelledError" in await reason_of_the_only_dead_letter(stage)
    await worker.stop()


@on_stage
async def test_one_row_has_one_value_however_its_key_is_written(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += 1
            totals[UUID(order.user)] += 1

    user = "6a1f3c52-7d0e-5b64-9c1e-3f2f6f1f8f10"
    worker = await stage.start(app)
    await stage.send(Order(user), Order(user))
    await handled(worker, 2)
    assert await stage.table("totals") == {user: b"4"}
    await worker.stop()


@pytest.mark.parametrize("events", [1, 100])
@on_stage
async def test_a_row_that_was_never_loaded_can_be_set_and_deleted(stage: Stage, events: int) -> None:
    app = App("counter")
    seen = app.Table("seen", value_type=int, resident=False, keys=lambda event: ())

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            seen[order.user] = order.amount
            if order.amount == 2:
                del seen[order.user]

    worker = await stage.start(app, limits=Limits(events=events))
    await stage.send(Order("a", 1), Order("b", 1), Order("c", 1), Order("a", 2))
    await handled(worker, 4)
    await stage.send(Order("b", 2))
    await handled(worker, 5)
    await until(lambda: _has(stage, "seen", {"c": b"1"}), within=10)
    await worker.stop()


async def _has(stage: Stage, table: str, rows: dict[str, bytes]) -> bool:
    return await stage.table(table) == rows


@on_stage
async def test_a_worker_stops_though_the_broker_is_down(stage: Stage) -> None:
    app = App("counter")
    totals = app.Table("totals", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += 1
            await out.send(value=Counted(order.user, 1))

    stage.faults.fates["out"] = [Fate.LOST] * 100_000
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await until(lambda: _has(stage, "totals", {"a": b"1"}))
    async with asyncio.timeout(60):
        await worker.stop()


@on_stage
async def test_repeats_count_towards_the_size_of_a_batch(stage: Stage) -> None:
    app = App("counter")

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for _ in stream:
            pass

    for _ in range(10):
        await stage.send(*[Order("a")] * 10, ids=["x"] * 10)
    worker = await stage.start(app, limits=Limits(events=10))
    await asyncio.sleep(5)
    assert (status_of(worker).handled, status_of(worker).repeats) == (1, 99)
    assert status_of(worker).commits >= 10
    await worker.stop()
