"""What no message, connection or dependency can do to a queue agent: stop it without a word."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from streams import App, Record
from streams.broker import Broker, Message, Outcome, QueueReader
from streams.embedded import Fate
from tests.streams.engine.stage import Order, Stage, handled, on_stage, status_of, until


async def buried(stage: Stage, count: int) -> None:
    async def there() -> bool:
        return len(await stage.dead()) == count

    await until(there, within=600)


@pytest.mark.parametrize("attempt", [0, -1, -7, -(2**40), 2**40])
@on_stage
async def test_a_made_up_count_of_attempts_does_no_harm(stage: Stage, attempt: int) -> None:
    app, tries = App("counter"), list[int]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for event in stream.events():
            if event.value.user == "bad":
                tries.append(event.attempt)
                raise ValueError("no")

    worker = await stage.start(app)
    await stage.send(Order("bad"), headers={"attempt": attempt})
    await buried(stage, 1)
    assert tries in ([1, 2, 3], [2**40])
    await stage.send(Order("a"))
    await handled(worker, 2)
    await worker.stop()


@on_stage
async def test_a_handler_that_is_cancelled_from_within_has_failed(stage: Stage) -> None:
    app, served = App("counter"), list[str]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            if order.user == "bad":
                raise asyncio.CancelledError
            served.append(order.user)

    worker = await stage.start(app)
    await stage.send(Order("bad"), Order("a"))
    await buried(stage, 1)
    assert served == ["a"]
    await worker.stop()


@on_stage
async def test_a_reader_that_fails_in_an_unknown_way_is_made_anew(stage: Stage) -> None:
    app, served, failures = App("counter"), list[str](), iter([KeyError("unheard of")])
    consume = stage.broker.consume

    @asynccontextmanager
    async def unsteady(queue: str, prefetch: int) -> AsyncIterator[QueueReader]:
        for failure in failures:
            raise failure
        async with consume(queue, prefetch) as reader:
            yield reader

    def consuming(queue: str, prefetch: int) -> AbstractAsyncContextManager[QueueReader]:
        return unsteady(queue, prefetch)

    stage.broker.consume = consuming  # type: ignore[method-assign]

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            served.append(order.user)

    worker = await stage.start(app)
    await stage.send(Order("a"))
    await handled(worker, 1)
    assert served == ["a"]
    await worker.stop()


@on_stage
async def test_a_body_that_returns_has_handled_what_it_had(stage: Stage) -> None:
    app, served = App("counter"), list[str]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            served.append(order.user)
            if order.user == "b":
                return

    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"), Order("c"), Order("b"))
    await handled(worker, 4)
    assert served == ["a", "b", "c", "b"]
    await worker.stop()
    assert await stage.broker.depth("jobs") == 0


@on_stage
async def test_a_group_that_is_closed_while_a_dead_letter_is_on_its_way_loses_nothing(stage: Stage) -> None:
    app, served = App("counter"), list[list[str]]()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for group in stream.take(3, within=timedelta(seconds=1)):
            served.append([order.user for order in group])

    stage.faults.fates["dlx"] = [Fate.LOST] * 6
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await stage.raw(b"{")
    await buried(stage, 1)
    await handled(worker, 2)
    assert served == [["a"]]
    await worker.stop()
    assert await stage.broker.depth("jobs") == 0


class Note(Record):
    """A document."""

    text: str


@on_stage
async def test_a_document_id_that_no_store_takes_climbs_the_ladder(stage: Stage) -> None:
    app = App("counter")
    notes = app.documents("notes", Note)

    @app.agent(app.topic("jobs", value_type=Order), name="serve", concurrency=2)
    async def serve(stream: Any) -> None:
        async for order in stream:
            _, version = await notes.get(order.user)
            await notes.put(order.user, Note("x"), version)

    worker = await stage.start(app)
    await stage.send(Order("\0"), Order("\0"), Order("a"))
    await buried(stage, 2)
    await handled(worker, 3)
    assert set(await stage.store.read("notes", ["a"])) == {"a"}
    await worker.stop()


@on_stage
async def test_the_heart_beats_on_after_a_failure_that_nobody_knows(stage: Stage) -> None:
    app, beats = App("counter"), list[float]()
    beat = stage.store.heartbeat

    async def unsteady(worker: str, ttl: float) -> None:
        beats.append(asyncio.get_running_loop().time())
        if len(beats) == 1:
            raise KeyError("unheard of")
        await beat(worker, ttl)

    stage.store.heartbeat = unsteady  # type: ignore[method-assign]

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for _ in stream:
            pass

    worker = await stage.start(app)
    await asyncio.sleep(30)
    assert len(beats) > 5
    assert status_of(worker).state == "running"
    await worker.stop()


class Stumbling:
    """A broker whose publishing raises what nobody expects, so many times."""

    def __init__(self, broker: Broker, times: int) -> None:
        self._broker = broker
        self.left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        if self.left:
            self.left -= 1
            raise RuntimeError("nobody knows why")
        return await self._broker.publish(messages)


@pytest.mark.parametrize("type_", ["order", "unknown"])
@on_stage
async def test_what_could_not_be_handed_on_is_handed_on_later(stage: Stage, type_: str) -> None:
    app = App("counter")
    served: list[str] = []

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for order in stream:
            if order.user == "bad":
                raise ValueError("no")
            served.append(order.user)

    stumbling = Stumbling(stage.broker, 3)
    stage.broker = cast(Broker, stumbling)
    worker = await stage.start(app)
    bad = stage.publisher.message("in", "order", b'{"user":"bad"}')
    await stage.publisher.publish([replace(bad, type=type_)])
    await stage.send(Order("a"))
    await buried(stage, 1)
    assert (served, stumbling.left) == (["a"], 0)
    await worker.stop()
