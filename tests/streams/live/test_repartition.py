"""Another number of partitions on RabbitMQ and PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from random import Random

import pytest

from stores.postgres import PostgresStore
from streams.limits import Limits
from streams.move import Reader
from streams.repartition import Repartition
from streams.source import partition_of
from streams.surroundings import Surroundings
from tests.servers.address import RabbitMQ as Address
from tests.streams.engine.moving import USERS, app_of, with_orders
from tests.streams.engine.stage import Order
from tests.streams.live.test_live import Live, now, until


@pytest.fixture
async def live(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Live]:
    async with aclosing(Live(rabbitmq_vhost, PostgresStore(postgres, postgres_schema))) as live:
        yield live


async def counted(live: Live, partitions: int) -> dict[str, int]:
    rows: dict[str, int] = {}
    for number in range(3):
        for key, value in (await live.store.scan("totals", number)).items():
            assert partition_of(key, partitions) == number
            rows[key] = int(value)
    return rows


async def work(live: Live, round: int, partitions: int) -> None:
    """An order of everybody, counted."""
    worker = await live.start(app_of())
    await live.send(*map(Order, USERS), ids=[f"{user}{round}" for user in USERS])

    async def right() -> bool:
        return await counted(live, partitions) == dict.fromkeys(USERS, round)

    await until(right)
    await worker.stop()


async def moved(live: Live, partitions: int) -> None:
    """A second edition with so many partitions."""
    live.topology, app = with_orders(partitions, 2), app_of()
    await live.prepare(app)
    users = frozenset([live.broker.user])
    around = Surroundings(live.store, live.broker, live.topology, "tool-moving", 2.0, users, now, Random(1), Limits())
    readers = [Reader(app, app.agents["count"], around)]
    done = await Repartition(live.topology.logs["orders"], readers, around, "counter", Random(2)).run()
    assert done.before == 2
    assert await counted(live, partitions) == dict.fromkeys(USERS, 1)


@pytest.mark.parametrize("partitions", [3, 1])
async def test_what_is_kept_is_moved_and_everybody_goes_on(live: Live, partitions: int) -> None:
    live.topology = with_orders(2, 1)
    await live.prepare(app_of())
    await work(live, 1, 2)
    await moved(live, partitions)
    await work(live, 2, partitions)


async def test_a_worker_at_work_leaves_to_the_one_that_comes_with_the_new_topology(live: Live) -> None:
    live.topology, app = with_orders(2, 1), app_of()
    await live.prepare(app)
    earlier = await live.start(app)
    await live.send(*map(Order, USERS), ids=[f"{user}1" for user in USERS])

    async def all_counted() -> bool:
        return await counted(live, 2) == dict.fromkeys(USERS, 1)

    async def has_left() -> bool:
        return {status.state for status in earlier.status()} == {"halted"}

    await until(all_counted)
    await moved(live, 3)
    await until(has_left)
    await work(live, 2, 3)
    await earlier.stop()
