"""The saga on RabbitMQ and PostgreSQL: the endings that hang on real time and real redelivery."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from agents.inventory.terms import Terms, terms
from agents.orders.events import OrderCancel
from agents.orders.patience import patience
from agents.orders.statuses import PaymentStatus
from agents.payments.till import till
from agents.registry import load
from stores.memory import MemoryStore
from stores.port import Store
from stores.postgres import PostgresStore
from streams.rabbitmq import RabbitMQ
from tests.agents.market import Market, Tardy
from tests.servers.address import RabbitMQ as Address
from topology.diff import diff
from topology.load import load_shop
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply

IN_POSTGRES = ("orders", "inventory", "payments")
LAMP, BUYERS, PIECES = UUID(int=8), 200, 10
HANGING, EXPIRING = UUID(int=6), UUID(int=7)
SOON = timedelta(seconds=5)
PATIENT = 60.0
"""Seconds for whatever takes a few when the machine is not busy."""


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
async def provider() -> AsyncIterator[Tardy]:
    """Silent about two authorizations, which it has given."""
    provider = Tardy(HANGING, EXPIRING)
    with till.served_by(provider):
        yield provider
        provider.let_go()


@pytest.fixture
async def market(
    rabbitmq_vhost: Address, postgres: str, postgres_schema: str, provider: Tardy
) -> AsyncIterator[Market]:
    async with Management(rabbitmq_vhost.management) as management:
        plan = diff(load_shop(), await observe(management, rabbitmq_vhost.vhost))
        await apply(management, rabbitmq_vhost.vhost, plan.steps)
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, rabbitmq_vhost.management)
    schemas = {service: f"{postgres_schema}_{service}" for service in IN_POSTGRES}
    apps = load()
    stores: dict[str, Store] = {app.id: MemoryStore() for app in apps}
    stores |= {service: PostgresStore(postgres, schema) for service, schema in schemas.items()}
    market = Market(broker, apps, stores, now)
    await market.start()
    await market.stocked(LAMP, PIECES)
    yield market
    provider.let_go()
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


async def test_orders_end_as_they_do_in_virtual_time(market: Market, provider: Tardy) -> None:
    with patience.on(SOON):
        await market.place(HANGING.int)
        await market.until(HANGING, "RESERVED", within=PATIENT)
    with terms.on(Terms(hold=SOON)):
        await market.place(EXPIRING.int)
        await market.until(EXPIRING, "RESERVED", within=PATIENT, passed=True)
    await asyncio.gather(_ordinary(market), _rush(market), _late_capture(market), _silence(market, provider))
    assert await market.stock() == (10 - 3, 0)


async def _ordinary(market: Market) -> None:
    """One goes well, one is declined, of one the capture is declined, of one an answer is lost."""
    endings = {"tok_ok": "PAID", "tok_decline": "PAYMENT_FAILED", "tok_decline_capture": "PAYMENT_FAILED"}
    endings["tok_lost"] = "PAID"
    placed = {await market.place(number, token): token for number, token in enumerate(endings, start=1)}
    for order, token in placed.items():
        await market.until(order, endings[token], within=PATIENT)


async def _rush(market: Market) -> None:
    """200 buyers at once of ten lamps."""
    buyers = await asyncio.gather(
        *(market.place(1_000 + number, product=LAMP, price="49.00") for number in range(BUYERS))
    )
    endings = Counter([(await _ended(market, buyer)) for buyer in buyers])
    assert endings == {"PAID": PIECES, "REJECTED": BUYERS - PIECES}
    assert await market.stock(LAMP) == (0, 0)


async def _ended(market: Market, id: UUID) -> str:
    """How an order for a lamp has ended, once it has."""
    deadline = time.monotonic() + PATIENT
    while (order := await market.find(id)) is None or order.status not in {"PAID", "REJECTED"}:
        assert time.monotonic() < deadline, order
        await asyncio.sleep(0.2)
    return str(order.status)


async def _late_capture(market: Market) -> None:
    """It is cancelled while nobody knows of the capture; then it turns out that there was one."""
    late = await market.place(5, "tok_lost_capture")
    await market.until(late, "CAPTURING", within=PATIENT)
    await market.tell(OrderCancel(late, "user"), late)
    cancelled = await market.until(late, "CANCELLED", within=PATIENT)
    assert cancelled.payment_status is PaymentStatus.REFUNDED


async def _silence(market: Market, provider: Tardy) -> None:
    """The due time passes, and a query finds out; a reservation ends, and the money is let go, whatever comes late."""
    assert (await market.until(HANGING, "PAID", within=PATIENT)).payment_status is PaymentStatus.CAPTURED
    assert (await market.until(EXPIRING, "EXPIRED", within=PATIENT)).history[-1].why == "the reservation has expired"
    provider.let_go()
    deadline = time.monotonic() + PATIENT
    while (await market.order(EXPIRING)).payment_status is not PaymentStatus.VOIDED:
        assert time.monotonic() < deadline, await market.order(EXPIRING)
        await asyncio.sleep(0.1)
    assert (await market.told()).count("payment.authorized") > 2
