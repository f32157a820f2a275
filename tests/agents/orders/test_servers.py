"""The saga on RabbitMQ and PostgreSQL: the endings that hang on real time and real redelivery."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from agents.inventory.terms import Terms
from agents.inventory.terms import terms as shop_terms
from agents.orders.events import OrderCancel
from agents.orders.statuses import PaymentStatus
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from agents.registry import load
from stores.memory import MemoryStore
from stores.port import Store
from stores.postgres import PostgresStore
from streams.rabbitmq import RabbitMQ
from tests.agents.market import Market
from tests.servers.address import RabbitMQ as Address
from topology.diff import diff
from topology.load import load_shop
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply

IN_POSTGRES = ("orders", "inventory", "payments")
HOLD = timedelta(seconds=8)


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
async def market(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Market]:
    async with Management(rabbitmq_vhost.management) as management:
        plan = diff(load_shop(), await observe(management, rabbitmq_vhost.vhost))
        await apply(management, rabbitmq_vhost.vhost, plan.steps)
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, rabbitmq_vhost.management)
    schemas = {service: f"{postgres_schema}_{service}" for service in IN_POSTGRES}
    apps = load()
    stores: dict[str, Store] = {app.id: MemoryStore() for app in apps}
    stores |= {service: PostgresStore(postgres, schema) for service, schema in schemas.items()}
    market = Market(broker, apps, stores, now)
    with till.served_by(Simulator()), shop_terms.on(Terms(hold=HOLD)):
        await market.start()
        yield market
        await market.worker.stop()
    await broker.close()
    for store in stores.values():
        await store.close()
    await _drop(postgres, *schemas.values())


async def _drop(postgres: str, *schemas: str) -> None:
    connection = await asyncpg.connect(postgres)
    for schema in schemas:
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")
    await connection.close()


async def test_orders_end_as_they_do_in_virtual_time(market: Market) -> None:
    paid = await market.place(1)
    declined = await market.place(2, "tok_decline")
    refused = await market.place(3, "tok_decline_capture")
    lost = await market.place(4, "tok_lost")
    late = await market.place(5, "tok_lost_capture")
    hanging = await market.place(6, "tok_hang")
    await market.until(late, "CAPTURING", within=30)
    await market.tell(OrderCancel(late, "user"), late)
    await market.until(paid, "PAID", within=30)
    await market.until(declined, "PAYMENT_FAILED", within=30)
    await market.until(refused, "PAYMENT_FAILED", within=30)
    await market.until(lost, "PAID", within=30)
    cancelled = await market.until(late, "CANCELLED", within=30)
    assert cancelled.payment_status is PaymentStatus.REFUNDED
    await market.until(hanging, "EXPIRED", within=30)
    assert await market.stock() == (8, 0)
    assert (await market.told()).count("order.paid") == 2
