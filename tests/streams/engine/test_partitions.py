"""Logs with several partitions: what comes into the intake counts once, in order, where its key belongs."""

import asyncio
import json
import operator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from stores.errors import CommitUnknown, StoreUnavailable
from streams import App, Views, Worker
from streams.embedded import Break, Embedded, Fate
from streams.source import partition_of
from tests.streams.engine.stage import Order, Stage, Unsteady, counting, on_stage, status_of, topology, until
from topology.spec import Log, Topology

PARTITIONS = 3
STREAMS = [f"orders-{number}" for number in range(PARTITIONS)]


def parted(key: str | None = "user", due: tuple[str, ...] = ()) -> Topology:
    """The usual topology, with `orders` in partitions."""
    shared, counter = topology().services
    orders, *others = counter.logs
    return Topology(
        (shared, replace(counter, logs=(replace(orders, partitions=PARTITIONS, key=key, due=due), *others)))
    )


def part(stage: Stage, key: str | None = "user", due: tuple[str, ...] = ()) -> None:
    """Give the stage a log in partitions."""
    stage.topology = parted(key, due)
    stage.server = Embedded(stage.topology, clock=stage.now, faults=stage.faults)
    stage.broker = stage.server.connect("counter")
    stage.publisher._broker = stage.server.connect("guest")
    stage.publisher._topology = stage.topology


async def totals(stage: Stage) -> dict[str, int]:
    """All rows; each key in its own partition."""
    rows: dict[str, int] = {}
    for number in range(PARTITIONS):
        for key, value in (await stage.store.scan("totals", number)).items():
            assert partition_of(key, PARTITIONS) == number
            rows[key] = int(value)
    return rows


async def totals_are(stage: Stage, **wanted: int) -> None:
    async def right() -> bool:
        return await totals(stage) == wanted

    await until(right)
    await asyncio.sleep(5)
    assert await right()


def users() -> list[str]:
    """A user for each partition, and one more."""
    found: dict[int, str] = {}
    for name in "abcdefghij":
        found.setdefault(partition_of(name, PARTITIONS), name)
    return [*found.values(), "z"]


def test_the_partition_of_a_key_never_changes() -> None:
    assert [partition_of(key, 4) for key in ("", "a", "ä", "customer-1")] == [0, 3, 3, 1]


@on_stage
async def test_events_count_in_the_partition_of_their_key(stage: Stage) -> None:
    part(stage)
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    for _ in range(3):
        await stage.send(*[Order(user) for user in users()])
    await totals_are(stage, **dict.fromkeys(users(), 3))
    sources = {(status.agent, status.source) for status in worker.status()}
    assert sources == {("forward:orders", "orders"), *(("count", name) for name in STREAMS)}
    await worker.stop()
    sent = [json.loads(envelope.body) for envelope in await stage.log("counted")]
    assert sorted((told["user"], told["total"]) for told in sent) == sorted(
        (user, total) for user in users() for total in (1, 2, 3)
    )


@on_stage
async def test_what_an_event_is_known_by_is_what_it_was_in_the_intake(stage: Stage) -> None:
    part(stage)
    app, seen = App("counter"), dict[str, Any]()

    @app.agent(app.topic("orders", value_type=Order), name="look")
    async def look(stream: Any) -> None:
        async for event in stream.events():
            seen[event.id] = event

    worker = await stage.start(app)
    await stage.send(Order("a"), ids=["one"], headers={"colour": "red"}, time=stage.now() - 5_000)
    taken = stage.now()
    await asyncio.sleep(5)
    (event,) = seen.values()
    assert (event.id, event.key, event.source, event.headers["colour"]) == ("one", "a", "orders", "red")
    assert event.headers["origin"] == 0
    assert taken - 1_000 < event.log_time_ms <= taken + 100
    assert event.time_ms == taken - 5_000
    await worker.stop()


@on_stage
async def test_a_message_published_twice_is_forwarded_once(stage: Stage) -> None:
    part(stage)
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("a"), ids=["x", "x"])
    await stage.send(Order("a"), ids=["x"])
    await totals_are(stage, a=1)
    assert status_of(worker, "forward:orders").repeats == 2
    await worker.stop()


@on_stage
async def test_an_event_without_a_key_is_a_dead_letter_of_the_intake(stage: Stage) -> None:
    part(stage, key="parcel")
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await stage.raw(b'{"user": "b", "amount": 1}', id="lost")
    await stage.raw(b'{"user": "c", "parcel": 7}')
    await stage.raw(b"{", id="broken")
    await asyncio.sleep(5)
    letters = {headers["dead-id"]: headers for _, headers in await stage.dead()}
    assert sorted(letters) == ["broken", "lost"]
    lost = letters["lost"]
    assert (lost["dead-source"], lost["dead-offset"], lost["dead-agent"]) == ("orders", 1, "forward:orders")
    assert "'parcel'" in lost["dead-error"]
    assert status_of(worker, "forward:orders").dead == 2
    await worker.stop()


@on_stage
async def test_a_dead_letter_of_an_agent_names_the_offset_in_the_intake(stage: Stage) -> None:
    part(stage)
    app = App("counter")

    @app.agent(app.topic("orders", value_type=Order), name="fail")
    async def fail(stream: Any) -> None:
        async for order in stream:
            if order.amount == 13:
                raise ValueError("thirteen")

    worker = await stage.start(app)
    await stage.send(*[Order(user) for user in users()], Order("a", 13))
    await asyncio.sleep(10)
    ((_, headers),) = await stage.dead()
    assert (headers["dead-source"], headers["dead-offset"]) == ("orders", len(users()))
    await worker.stop()


@on_stage
async def test_what_was_published_past_the_forwarder_is_a_dead_letter(stage: Stage) -> None:
    part(stage)
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    message = stage.publisher.record("in", Order("a"), key="a", id="smuggled")
    message.exchange, message.routing_key = "", STREAMS[0]
    message.headers = {**message.headers, "lane": "counter/forward:orders/0@x", "seq": 1, "floor": 0, "log_time": 5}
    await stage.publisher.publish([message])
    await asyncio.sleep(5)
    ((_, headers),) = await stage.dead()
    assert "past the forwarder" in headers["dead-error"]
    assert await totals(stage) == {}
    await worker.stop()


@on_stage
async def test_a_key_of_another_partition_is_refused_by_an_error_that_names_group_by(stage: Stage) -> None:
    part(stage)
    app = App("counter")
    totals_ = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for _ in stream:
            totals_["everybody"] += 1

    worker = await stage.start(app)
    own = next(user for user in users() if partition_of(user, 3) == partition_of("everybody", 3))
    other = next(user for user in users() if partition_of(user, 3) != partition_of("everybody", 3))
    await stage.send(Order(own), Order(other), ids=["own", "other"])
    await asyncio.sleep(10)
    ((_, headers),) = await stage.dead()
    assert headers["dead-id"] == "other"
    assert "group_by" in headers["dead-error"]
    assert await totals(stage) == {"everybody": 1}
    await worker.stop()


@on_stage
async def test_a_table_with_merge_keeps_parts_that_views_put_together(stage: Stage) -> None:
    part(stage)
    app = App("counter")
    everybody = app.Table("everybody", default=int, merge=operator.add)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            everybody["all"] += order.amount

    worker = await stage.start(app)
    await stage.send(*[Order(user, 2) for user in users()])
    await asyncio.sleep(5)
    assert len(await stage.store.get("everybody", ["all"])) == PARTITIONS
    view = Views({"counter": stage.store}).of("counter", everybody)
    assert await view.get("all") == 2 * len(users())
    await worker.stop()


@pytest.mark.parametrize("seed", range(8))
def test_everything_counts_once_whatever_fails(seed: int) -> None:
    @on_stage
    async def run(stage: Stage) -> None:
        part(stage)
        random = Random(seed)
        plan = [*[None] * 5, ("before", StoreUnavailable()), ("before", CommitUnknown()), ("after", CommitUnknown())]
        stage.faults.fates[""] = random.choices([Fate.KEPT] * 8 + [Fate.LOST, Fate.UNCONFIRMED, Fate.REFUSED], k=80)
        for name in ("orders", *STREAMS):
            stage.faults.breaks[name] = random.choices([None, None, Break.CUT], k=8)
        workers: list[Worker] = []
        for number in range(12):
            app = App("counter")
            counting(app)
            workers.append(await stage.start(app, store=Unsteady(stage.store, random.choices(plan, k=20))))
            await stage.send(*[Order(user) for user in users()], ids=[f"{number}/{user}" for user in users()])
            await asyncio.sleep(random.choice([0.01, 0.3, 1.5, 4]))
            if random.random() < 0.7:
                await (workers[0].abandon() if random.random() < 0.6 else workers[0].stop())
                workers.pop(0)
        await totals_are(stage, **dict.fromkeys(users(), 12))
        last: dict[str, int] = {}
        for envelope in await stage.log("counted"):
            told = json.loads(envelope.body)
            last[told["user"]] = max(last.get(told["user"], 0), told["total"])
        assert last == dict.fromkeys(users(), 12)
        for worker in workers:
            await worker.stop()

    run()


@on_stage
async def test_another_number_of_partitions_halts_the_forwarder(stage: Stage) -> None:
    part(stage)
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(*[Order(user) for user in users()])
    await totals_are(stage, **dict.fromkeys(users(), 1))
    await worker.stop()
    shared, counter = stage.topology.services
    logs = tuple(replace(log, partitions=2) if log.name == "orders" else log for log in counter.logs)
    stage.topology = Topology((shared, replace(counter, logs=logs)))
    again = App("counter")
    counting(again)
    worker = await stage.start(again)
    await stage.send(Order("a"))
    await asyncio.sleep(5)
    status = status_of(worker, "forward:orders")
    assert status.state == "halted"
    assert "forwarded to 3 partitions up to offset 3" in status.reason
    await worker.stop()


@on_stage
async def test_partitions_are_spread_over_workers(stage: Stage) -> None:
    part(stage)
    workers = []
    for _ in range(2):
        app = App("counter")
        counting(app)
        workers.append(await stage.start(app))
    await asyncio.sleep(5)
    running = [{s.source for s in worker.status() if s.state == "running"} for worker in workers]
    assert [len(sources) for sources in running] == [2, 2]
    assert running[0] | running[1] == {"orders", *STREAMS}
    await stage.send(*[Order(user) for user in users()])
    await totals_are(stage, **dict.fromkeys(users(), 1))
    for worker in workers:
        await worker.stop()


def test_a_log_tells_all_its_streams() -> None:
    assert Log("a").streams == ("a",)
    assert Log("a", partitions=2).streams == ("a", "a-0", "a-1")
