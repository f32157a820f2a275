"""The inventory service on RabbitMQ and PostgreSQL."""

import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from agents.inventory.events import InventoryCommit, InventoryRelease
from agents.inventory.tables import Hold
from stores.postgres import PostgresStore
from streams.rabbitmq import RabbitMQ
from tests.agents.inventory.stockroom import TEA, TOPOLOGY, USER, Stockroom, created, received
from tests.servers.address import RabbitMQ as Address
from topology.diff import diff
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
async def room(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Stockroom]:
    async with Management(rabbitmq_vhost.management) as management:
        plan = diff(TOPOLOGY, await observe(management, rabbitmq_vhost.vhost))
        await apply(management, rabbitmq_vhost.vhost, plan.steps)
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, rabbitmq_vhost.management)
    store = PostgresStore(postgres, postgres_schema)
    await store.open()
    yield Stockroom(broker, store, now)
    await store.close()
    await broker.close()


async def test_the_last_ten_are_had_by_ten_however_often_a_worker_takes_over(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 10)), *(created(n, (TEA, 1)) for n in range(1, 41)))
        await room.settled(worker)
    assert await room.pieces(TEA) == (10, 10)
    before = room.sent
    async with room.at_work() as worker:
        await room.tell(
            *(InventoryCommit(UUID(int=n), USER) for n in range(1, 41)), InventoryRelease(UUID(int=1), USER)
        )
        room.sent -= before  # what the worker before has handled
        await room.settled(worker)
        assert await room.holds() == {Hold.COMMITTED: 9, Hold.REJECTED: 30, Hold.RESTOCKED: 1}
        assert await room.pieces(TEA) == (1, 0)
        told = await room.told()
        assert (told.count("inventory.reserved"), told.count("inventory.committed")) == (10, 10)
