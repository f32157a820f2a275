"""The engine on RabbitMQ and PostgreSQL: what virtual time cannot show."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from random import Random
from typing import Any

import aio_pika
import asyncpg
import pytest

from stores.errors import StoreError
from stores.postgres import PostgresStore
from streams import App, Publisher, Worker
from streams.broker import Outcome
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Address
from tests.servers.server import PostgresServer, RabbitMQServer
from tests.streams.engine.stage import Order, counting, status_of, topology
from topology.diff import diff
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply


def now() -> int:
    return time.time_ns() // 1_000_000


class Live:
    """A service on real servers."""

    def __init__(self, address: Address, store: PostgresStore) -> None:
        self.address = address
        self.topology = topology()
        self.store = store
        self.broker = RabbitMQ(address.amqp, address.stream, address.management)
        self.outside = RabbitMQ(address.amqp, address.stream, address.management)
        self.publisher = Publisher(self.outside, self.topology, service="counter", now=now, ids=Random(0))
        self.workers: list[Worker] = []

    async def prepare(self, app: App) -> None:
        async with Management(self.address.management) as management:
            plan = diff(self.topology, await observe(management, self.address.vhost))
            await apply(management, self.address.vhost, plan.steps)
        await self.store.open()
        await self.store.apply(app.specs())

    async def start(self, app: App) -> Worker:
        worker = Worker(
            [app],
            broker=self.broker,
            stores={app.id: self.store},
            topology=self.topology,
            now=now,
            ids=Random(len(self.workers)),
            lease=2.0,
        )
        self.workers.append(worker)
        await worker.start()
        return worker

    async def send(self, *orders: Order, ids: list[str]) -> None:
        """Publish until everything is confirmed, under the same ids."""
        messages = [
            self.publisher.record("in", order, key=order.user, id=name) for order, name in zip(orders, ids, strict=True)
        ]
        while messages:
            outcomes = await self.publisher.publish(messages)
            messages = [m for m, o in zip(messages, outcomes, strict=True) if o is not Outcome.CONFIRMED]
            if messages:
                await asyncio.sleep(0.2)

    async def totals(self) -> dict[str, int]:
        return {key: int(value) for key, value in (await self.store.scan("totals", 0)).items()}

    async def aclose(self) -> None:
        for worker in self.workers:
            await worker.stop()
        await self.broker.close()
        await self.outside.close()
        await self.store.close()


@pytest.fixture
async def live(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Live]:
    async with aclosing(Live(rabbitmq_vhost, PostgresStore(postgres, postgres_schema))) as live:
        yield live


async def until(condition: Callable[[], Awaitable[bool]], within: float = 120.0) -> None:
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.05)


async def totals_are(live: Live, **wanted: int) -> None:
    async def right() -> bool:
        try:
            return await live.totals() == wanted
        except StoreError:
            return False

    await until(right)


async def test_events_count_once_over_repeats_and_restarts(live: Live) -> None:
    app = App("counter")
    counting(app)
    await live.prepare(app)
    worker = await live.start(app)
    for _ in range(2):
        await live.send(*[Order("ab"[n % 2]) for n in range(500)], ids=[f"id{n}" for n in range(500)])
    await totals_are(live, a=250, b=250)
    await worker.stop()
    again = App("counter")
    counting(again)
    worker = await live.start(again)
    await live.send(Order("a"), Order("a"), ids=["id0", "new"])
    await totals_are(live, a=251, b=250)
    assert status_of(worker).dead == 0


async def test_a_foreign_publisher_and_bad_input(live: Live) -> None:
    app = App("counter")
    counting(app)
    await live.prepare(app)
    worker = await live.start(app)
    connection = await aio_pika.connect(live.address.amqp)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange("in")
        big = json.dumps({"user": "a", "amount": 1, "padding": "x" * 10_000_000}).encode()
        for body, type_ in (
            (b'{"user":"a"}', "order"),
            (b"{", "order"),
            (b"\xff", "order"),
            (b'{"user":1}', "order"),
            (b"{}", "ordre"),
            (b"{}", None),
            (big, "order"),
            (b'{"user":"a"}', "order"),
        ):
            await exchange.publish(aio_pika.Message(body, type=type_), routing_key="order")
    await totals_are(live, a=3)

    async def buried() -> bool:
        return status_of(worker).dead == 5

    await until(buried)
    assert status_of(worker).state == "running"


async def test_a_terminated_database_session_is_taken_up_again(live: Live, postgres: str, postgres_schema: str) -> None:
    app = App("counter")
    counting(app)
    await live.prepare(app)
    await live.start(app)
    connection = await asyncpg.connect(postgres)
    for batch in range(10):
        await live.send(*[Order("a") for _ in range(50)], ids=[f"{batch}/{n}" for n in range(50)])
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and application_name = $1",
            f"warren {postgres_schema}",
        )
    await connection.close()
    await totals_are(live, a=500)


async def test_connections_closed_by_the_broker_are_taken_up_again(live: Live) -> None:
    app = App("counter")
    counting(app)
    await live.prepare(app)
    worker = await live.start(app)
    for batch in range(4):
        await live.send(*[Order("a") for _ in range(50)], ids=[f"{batch}/{n}" for n in range(50)])
        await close_connections(live)
    await totals_are(live, a=200)
    assert status_of(worker).handled == 200


async def close_connections(live: Live) -> None:
    """Through the management API, whose list lags by seconds: as many as it knows."""
    async with Management(live.address.management) as management:
        for connection in await management.get(list[dict[str, Any]], "connections"):
            if connection.get("vhost") == live.address.vhost:
                await management.delete("connections", connection["name"])


async def test_restarts_of_the_database_cost_nothing(live: Live, own_postgres: PostgresServer) -> None:
    live.store = PostgresStore(own_postgres.url, "counter")
    app = App("counter")
    counting(app)
    await live.prepare(app)
    worker = await live.start(app)
    sending = asyncio.create_task(send_slowly(live))
    await until(lambda: reached(live, 100))
    await asyncio.to_thread(own_postgres.kill)
    await asyncio.to_thread(own_postgres.start)
    await sending
    await totals_are(live, a=1_000)
    assert status_of(worker).state == "running"


async def test_a_killed_rabbitmq_costs_nothing(
    own_rabbitmq: RabbitMQServer, postgres: str, postgres_schema: str
) -> None:
    async with aclosing(Live(own_rabbitmq.address, PostgresStore(postgres, postgres_schema))) as live:
        app = App("counter")
        counting(app)
        await live.prepare(app)
        # What RabbitMQ was told to make in its last second may go with it.
        await asyncio.to_thread(own_rabbitmq.restart)
        worker = await live.start(app)
        sending = asyncio.create_task(send_slowly(live))
        for total in (200, 500):
            await until(partial(reached, live, total))
            await asyncio.to_thread(own_rabbitmq.kill)
            await asyncio.to_thread(own_rabbitmq.start)
        await sending
        await totals_are(live, a=1_000)
        await until(partial(runs, worker))


async def runs(worker: Worker) -> bool:
    return status_of(worker).state == "running"


async def send_slowly(live: Live) -> None:
    for batch in range(50):
        await live.send(*[Order("a") for _ in range(20)], ids=[f"{batch}/{n}" for n in range(20)])
        await asyncio.sleep(0.05)


async def reached(live: Live, total: int) -> bool:
    try:
        return (await live.totals()).get("a", 0) >= total
    except StoreError:
        return False
