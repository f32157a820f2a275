"""What a file holds from one run to the next."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from streams.broker import Broker, Extent, Health, Outcome
from streams.embedded import Embedded
from streams.embedded.clock import Clock, system_clock
from streams.errors import BrokerUnavailable, NoSuchTarget
from tests.streams.broker.exchange import (
    bodies,
    delivered,
    drain,
    envelopes,
    message,
    numbered,
    read,
    read_details,
    send,
    topology,
    until,
)
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

BOUND = (Binding("events", "#"),)
PARTS = topology(Exchange("events"), Log("log", BOUND), Queue("jobs", BOUND, retry=("10m",), delivery_limit=5))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "broker.db"


@asynccontextmanager
async def run(
    file: Path, topology: Topology = PARTS, clock: Clock = system_clock, max_file_bytes: int | None = None
) -> AsyncIterator[Broker]:
    """One run of a broker on this file."""
    server = Embedded(topology, file=file, clock=clock, max_file_bytes=max_file_bytes)
    try:
        yield server.connect("shop")
    finally:
        await server.close()


async def test_messages_survive_a_restart(file: Path) -> None:
    sent = message("events", "a", b"0", headers={"key": "é", "n": 1})
    async with run(file) as broker:
        await send(broker, sent)
        before = await read_details(broker, "log", 1)
    async with run(file) as broker:
        assert await read_details(broker, "log", 1) == before
        await send(broker, *numbered("events", "a", [1]))
        assert [envelope.offset for envelope in await read(broker, "log", 2)] == [0, 1]
        assert bodies(await drain(broker, "jobs", 2)) == ["0", "1"]


async def test_what_was_settled_is_gone_and_the_rest_is_delivered_again(file: Path) -> None:
    async with run(file) as broker:
        await send(broker, *numbered("events", "a", range(6)))
        async with delivered(broker, "jobs", 4) as (reader, found):
            await reader.ack([found[0].envelope.offset, found[2].envelope.offset])
            await reader.reject(found[3].envelope.offset, requeue=False)
    async with run(file) as broker:
        assert await broker.depth("jobs") == 3
        async with delivered(broker, "jobs", 3) as (_, found):
            assert [(bodies([one])[0], one.deliveries) for one in found] == [("1", 1), ("4", 0), ("5", 0)]
        assert bodies(await read(broker, "dead.letters", 1)) == ["3"]


async def test_delays_go_on_while_the_broker_is_closed(file: Path) -> None:
    began = 1_700_000_000_000
    async with run(file, clock=lambda: began) as broker:
        await send(broker, *numbered("retry.10m", "jobs", [1, 2]))
    async with run(file, clock=lambda: began + 599_000) as broker:
        assert (await broker.depth("retry.10m"), await broker.depth("jobs")) == (2, 0)
    async with run(file, clock=lambda: began + 600_000) as broker:
        assert bodies(await drain(broker, "jobs", 2)) == ["1", "2"]


async def test_a_log_that_outgrows_memory_is_read_from_the_file(file: Path) -> None:
    async with run(file) as broker:
        for start in range(0, 400, 20):
            await send(broker, *(message("events", "a", b"%d" % (start + n) + bytes(60_000)) for n in range(20)))
        for start in (0, 133, 399):
            async with broker.read("log", start) as reader:
                found = await envelopes(reader, 400 - start, start)
            assert [int(envelope.body.rstrip(b"\0")) for envelope in found] == list(range(start, 400))


async def test_many_small_chunks_are_read_from_the_file(file: Path) -> None:
    async with run(file) as broker:
        for number in range(700):
            await send(broker, *numbered("events", "a", [number]))
    async with run(file) as broker:
        assert bodies(await read(broker, "log", 700)) == [str(number) for number in range(700)]


async def test_a_queue_that_outgrows_memory_is_read_from_the_file_in_order(file: Path) -> None:
    async with run(file) as broker:
        for start in range(0, 400, 20):
            await send(broker, *(message("events", "a", b"%d" % (start + n) + bytes(60_000)) for n in range(20)))
        assert await broker.depth("jobs") == 400
        async with delivered(broker, "jobs", 100):
            pass
        found = await drain(broker, "jobs", 400)
        assert [int(envelope.body.rstrip(b"\0")) for envelope in found] == list(range(400))
        assert await broker.depth("jobs") == 0


async def test_a_log_or_queue_that_is_no_longer_declared_is_kept_but_not_routed_to(file: Path) -> None:
    without = topology(Exchange("events"), Log("new", BOUND))
    async with run(file) as broker:
        await send(broker, *numbered("events", "a", range(3)))
    async with run(file, without) as broker:
        await send(broker, *numbered("events", "a", [3]))
        assert await broker.publish([message("", "jobs")]) == [Outcome.UNROUTABLE]
        assert await broker.extent("log") == Extent(0, 2)
        assert bodies(await read(broker, "log", 3)) == bodies(await drain(broker, "jobs", 3)) == ["0", "1", "2"]
    async with run(file) as broker:
        await send(broker, *numbered("events", "a", [4]))
        assert bodies(await read(broker, "log", 4)) == ["0", "1", "2", "4"]
        assert bodies(await read(broker, "new", 1)) == ["3"]
        with pytest.raises(NoSuchTarget):
            await broker.depth("never")


async def test_delay_queues_that_are_no_longer_declared_still_empty_themselves(file: Path) -> None:
    async with run(file, clock=lambda: 1_000) as broker:
        await send(broker, *numbered("retry.10m", "jobs", [1]))
    shorter = topology(Exchange("events"), Queue("jobs", BOUND, retry=("1s",)))
    async with run(file, shorter, clock=lambda: 601_000) as broker:
        assert bodies(await drain(broker, "jobs", 1)) == ["1"]


async def test_a_dead_letter_without_a_place_to_go_stays_until_there_is_one(file: Path) -> None:
    jobs = Queue("jobs", BOUND, delivery_limit=1)
    nowhere = Topology((Service("shop", exchanges=(Exchange("events"),), queues=(jobs,)),))
    async with run(file, nowhere) as broker:
        await send(broker, *numbered("events", "a", [1]))
        async with broker.consume("jobs", 1) as reader:
            for _ in range(2):
                (delivery,) = await anext(reader)
                await reader.reject(delivery.envelope.offset, requeue=True)
        assert await broker.depth("jobs") == 0
        (problem,) = broker.health().problems
        assert "dead letters of queue 'jobs' cannot leave it" in problem
    async with run(file, topology(Exchange("events"), jobs)) as broker, broker.consume("jobs", 1) as reader:
        await send(broker, *numbered("events", "a", [2]))
        assert bodies(await anext(reader)) == ["2"]
        assert bodies(await read(broker, "dead.letters", 1)) == ["1"]


async def test_a_full_file_refuses_messages_until_there_is_room(file: Path) -> None:
    small = topology(Exchange("events"), Queue("jobs", (Binding("events", "job"),), retry=()))
    async with run(file, small, max_file_bytes=1_000_000) as broker:
        kept = 0
        while (outcome := await broker.publish([message("events", "job", bytes(20_000))])) == [Outcome.CONFIRMED]:
            kept += 1
        assert outcome == [Outcome.REFUSED]
        assert await broker.depth("jobs") == kept
        assert broker.health().state == "blocked"
        assert "no room" in broker.health().problems[0]
        await drain(broker, "jobs", kept // 2)

        async def has_room() -> bool:
            return broker.health() == Health("connected")

        await until(has_room)
        await send(broker, message("events", "job", bytes(20_000)))
        depth = await broker.depth("jobs")
    async with run(file, small) as broker:
        assert await broker.depth("jobs") == depth


async def test_retention_makes_room_in_the_file(file: Path) -> None:
    parts = topology(Exchange("events"), Log("log", BOUND, max_bytes=400_000))
    async with run(file, parts, max_file_bytes=2_000_000) as broker:
        for number in range(300):
            await send(broker, message("events", "a", b"%d" % number + bytes(20_000)))

        async def within_its_limit() -> bool:
            return await broker.extent("log") == Extent(281, 299)

        await until(within_its_limit)
    async with run(file, parts) as broker:
        assert await broker.extent("log") == Extent(281, 299)
        (oldest, *_) = await read(broker, "log", 1)
        assert oldest.body.rstrip(b"\0") == b"281"


async def test_age_counts_over_restarts(file: Path) -> None:
    parts = topology(Exchange("events"), Log("log", BOUND, max_age=timedelta(seconds=10)))
    for number in range(3):
        async with run(file, parts, clock=partial(int, 1_000_000 + number * 1_000)) as broker:
            await send(broker, *numbered("events", "a", [number]))
    async with run(file, parts, clock=lambda: 1_011_500) as broker:
        await broker.open()

        async def shorter() -> bool:
            return await broker.extent("log") == Extent(2, 2)

        await until(shorter)


async def test_a_file_of_another_format_is_refused(file: Path) -> None:
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    async with run(file) as broker:
        with pytest.raises(BrokerUnavailable, match="has format 99"):
            await broker.open()


@pytest.fixture
def no_database(tmp_path: Path) -> Path:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"not a database" * 100)
    return file


async def test_a_file_that_is_no_database_is_refused(no_database: Path) -> None:
    async with run(no_database) as broker:
        with pytest.raises(BrokerUnavailable, match="cannot be used"):
            await broker.open()
        assert await broker.publish([message("events", "a")]) == [Outcome.LOST]


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    async with run(tmp_path / "taken" / "broker.db") as broker:
        with pytest.raises(BrokerUnavailable, match="cannot be made"):
            await broker.open()
