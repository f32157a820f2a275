"""What a file holds after the process that used it was killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from streams.broker import Outcome
from streams.embedded import Embedded
from streams.errors import BrokerUnavailable
from tests.streams.broker.exchange import chunk, delivered, message, numbered, read_details, send
from tests.streams.embedded.victim import TOPOLOGY

ROOT = Path(__file__).parents[3]


@contextmanager
def victim(act: str, file: Path) -> Iterator[IO[str]]:
    """What the process says. It is killed at the end."""
    command = [sys.executable, "-m", "tests.streams.embedded.victim", act, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()


def killed_after(lines: int, act: str, file: Path) -> list[str]:
    """All that a process has said that was killed after so many lines."""
    with victim(act, file) as said:
        first = [said.readline() for _ in range(lines)]
        assert all(first), "the process has ended by itself"
    return [line.strip() for line in first]


async def read_all(file: Path) -> tuple[dict[int, str], dict[int, int]]:
    """Ids and log times of all messages of `orders`, by offset."""
    server = Embedded(TOPOLOGY, file=file)
    broker = server.connect("shop")
    ids: dict[int, str] = {}
    times: dict[int, int] = {}
    last = (await broker.extent("orders")).last
    async with broker.read("orders", "first") as reader:
        while last not in ids:
            next_chunk = await chunk(reader)
            for envelope in reader.scan(next_chunk, 0, ()):
                ids[envelope.offset] = envelope.id
                times[envelope.offset] = next_chunk.time
    await server.close()
    return ids, times


async def test_nothing_confirmed_is_lost_and_offsets_and_times_stay(tmp_path: Path) -> None:
    file = tmp_path / "broker.db"
    confirmed: set[str] = set()
    before: dict[int, str] = {}
    times_before: dict[int, int] = {}
    for _ in range(3):
        confirmed |= {id for line in killed_after(60, "publish", file) for id in line.split()}
        ids, times = await read_all(file)
        assert confirmed <= set(ids.values())
        assert len(set(ids.values())) == len(ids)
        assert list(ids) == list(range(len(ids)))
        assert {offset: ids[offset] for offset in before} == before
        assert {offset: times[offset] for offset in times_before} == times_before
        before, times_before = ids, times


async def test_every_log_and_queue_has_a_message_or_none_has(tmp_path: Path) -> None:
    file = tmp_path / "broker.db"
    killed_after(30, "publish", file)
    ids, _ = await read_all(file)
    server = Embedded(TOPOLOGY, file=file)
    async with delivered(server.connect("shop"), "jobs", len(ids)) as (_, found):
        assert [delivery.envelope.id for delivery in found] == list(ids.values())
    await server.close()


async def test_a_message_that_kills_its_consumer_is_counted_and_becomes_a_dead_letter(tmp_path: Path) -> None:
    file = tmp_path / "broker.db"
    server = Embedded(TOPOLOGY, file=file)
    sent = [message("events", "job", str(number).encode()) for number in range(3)]
    await send(server.connect("shop"), *sent)
    await server.close()
    for seen in range(3):
        said = killed_after(3, "consume", file)
        assert said == [f"{one.message_id} {seen}" for one in sent]
    server = Embedded(TOPOLOGY, file=file)
    broker = server.connect("shop")
    await send(broker, *numbered("events", "job", [3]))
    async with delivered(broker, "jobs", 1) as (_, (delivery,)):
        assert delivery.envelope.body == b"3"
    found = await read_details(broker, "dead.letters", 3)
    assert [envelope.id for envelope, _ in found] == [one.message_id for one in sent]
    assert {details.death for _, details in found} == {"delivery_limit"}
    await server.close()


async def test_one_process_at_a_time_has_the_file(tmp_path: Path) -> None:
    file = tmp_path / "broker.db"
    server = Embedded(TOPOLOGY, file=file)
    broker = server.connect("shop")
    with victim("hold", file) as said:
        assert said.readline() == "open\n"
        with pytest.raises(BrokerUnavailable, match=r"broker\.db is in use by another broker: stop that one"):
            await broker.open()
        assert await broker.publish(numbered("events", "job", [1])) == [Outcome.LOST]
        (problem,) = broker.health().problems
        assert (broker.health().state, "in use" in problem) == ("down", True)
    await send(broker, *numbered("events", "job", [1]))
    assert broker.health().state == "connected"
    await server.close()


async def test_one_broker_at_a_time_has_the_file_in_one_process_too(tmp_path: Path) -> None:
    first, second = (Embedded(TOPOLOGY, file=tmp_path / "broker.db") for _ in range(2))
    await first.connect("shop").open()
    with pytest.raises(BrokerUnavailable, match="is in use"):
        await second.connect("shop").open()
    await first.close()
    await second.connect("shop").open()
    await second.close()
