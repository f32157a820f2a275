"""Workers in processes share the partitions of a log on RabbitMQ and PostgreSQL, and take over from each other."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

import pytest

from stores.port import Roster
from stores.postgres import PostgresStore
from streams import App
from streams.source import partition_of
from tests.servers.address import RabbitMQ as Address
from tests.streams.engine.stage import Order, counting
from tests.streams.engine.test_partitions import PARTITIONS, parted
from tests.streams.live.test_live import Live, until

SLOTS = PARTITIONS + 1
"""The agent on each partition, and the forwarder."""
USERS = [f"user{number}" for number in range(20)]


class Shop(Live):
    """The usual service, its log in partitions, its workers in processes."""

    def __init__(self, address: Address, postgres: str, schema: str) -> None:
        super().__init__(address, PostgresStore(postgres, schema))
        self.topology = parted()
        self.publisher._topology = self.topology
        self._arguments = (address.amqp, address.stream, postgres, schema)
        self._sent = 0

    @contextmanager
    def worker(self, lease: float) -> Iterator["Process"]:
        """A worker process, up to its end."""
        command = [sys.executable, "-m", "tests.streams.live.worker_process", *self._arguments, str(lease)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield Process(process, process.stdout.readline().strip())
            finally:
                process.send_signal(signal.SIGCONT)
                process.kill()

    async def shares(self, *wanted: int) -> Roster:
        """Wait until the workers hold so many slots, each."""

        async def right() -> bool:
            return self._held(await self.store.roster()) == sorted(wanted)

        await until(right, within=60)
        return await self.store.roster()

    def _held(self, roster: Roster) -> list[int]:
        held = [holding.worker for holding in roster.held.values()]
        return sorted(held.count(worker) for worker in {*held})

    async def order(self) -> None:
        """An order of every user."""
        self._sent += 1
        await self.send(*map(Order, USERS), ids=[f"{self._sent}/{user}" for user in USERS])

    async def counted(self) -> None:
        """Every order counts once, in the partition of its user; readers of what was sent count the same."""

        async def right() -> bool:
            tables = [await self.store.scan("totals", number) for number in range(PARTITIONS)]
            assert all(partition_of(key, PARTITIONS) == n for n, rows in enumerate(tables) for key in rows)
            return {k: int(v) for rows in tables for k, v in rows.items()} == dict.fromkeys(USERS, self._sent)

        await until(right, within=60)
        wanted = {user: list(range(1, self._sent + 1)) for user in USERS}

        async def all_told() -> bool:  # what a commit sends leaves after it
            return sum(map(len, (await self.told()).values())) >= len(USERS) * self._sent

        await until(all_told, within=60)
        assert await self.told() == wanted

    async def told(self) -> dict[str, list[int]]:
        """What a reader of the log `counted` keeps, by user: each number of a lane once, in their order."""
        seen: set[tuple[str, int]] = set()
        totals: dict[str, list[int]] = {user: [] for user in USERS}
        last = (await self.broker.extent("counted")).last
        async with self.broker.read("counted", "first") as reader:
            async for chunk in reader:
                for envelope in reader.scan(chunk, 0, ()):
                    if (envelope.lane, envelope.seq) not in seen:
                        seen.add((envelope.lane, envelope.seq))
                        value = json.loads(envelope.body)
                        totals[value["user"]].append(value["total"])
                if chunk.first + len(chunk.raws) > last:
                    return totals
        return totals


@dataclass
class Process:
    """A worker."""

    process: "subprocess.Popen[str]"
    id: str

    def signal(self, number: signal.Signals) -> float:
        """Send a signal; when it was."""
        self.process.send_signal(number)
        return time.monotonic()


@pytest.fixture
async def shop(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Shop]:
    async with aclosing(Shop(rabbitmq_vhost, postgres, postgres_schema)) as shop:
        app = App("counter")
        counting(app)
        await shop.prepare(app)
        yield shop


async def test_a_worker_joins_and_hands_over_at_once_when_it_is_told_to_stop(shop: Shop) -> None:
    with shop.worker(lease=20) as first:
        await shop.shares(SLOTS)
        await shop.order()
        with shop.worker(lease=20) as second:
            await shop.shares(2, 2)
            await shop.order()
            stopped = second.signal(signal.SIGTERM)
            await shop.shares(SLOTS)
            assert time.monotonic() - stopped < 15
            assert second.process.wait(30) == 0
        await shop.order()
        await shop.counted()
        assert (await shop.store.roster()).workers == {first.id}


async def test_a_killed_worker_is_replaced_when_its_lease_has_run_out(shop: Shop) -> None:
    with shop.worker(lease=2) as first, shop.worker(lease=2) as second:
        await shop.shares(2, 2)
        await shop.order()
        first.signal(signal.SIGKILL)
        await shop.order()
        roster = await shop.shares(SLOTS)
        assert {holding.worker for holding in roster.held.values()} == {second.id}
        await shop.counted()


async def test_a_worker_that_wakes_up_after_its_lease_changes_nothing_and_joins_anew(shop: Shop) -> None:
    with shop.worker(lease=2) as sleeper, shop.worker(lease=2) as other:
        await shop.shares(2, 2)
        for _ in range(10):
            await shop.order()
        sleeper.signal(signal.SIGSTOP)
        await shop.order()
        roster = await shop.shares(SLOTS)
        assert {holding.worker for holding in roster.held.values()} == {other.id}
        await shop.order()
        sleeper.signal(signal.SIGCONT)
        await shop.order()
        await shop.shares(2, 2)
        await shop.order()
        await shop.counted()
