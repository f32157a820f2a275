"""Watching a table on RabbitMQ and PostgreSQL, through a broken connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import Random

import pytest

from stores.postgres import PostgresStore
from streams import App, Views
from streams.changes import Changes
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Address
from tests.streams.engine.stage import Order
from tests.streams.engine.test_changes import counting
from tests.streams.live.test_live import Live
from tests.streams.rabbitmq.proxy import proxied

SECONDS = 20.0


@pytest.fixture
async def live(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Live]:
    async with aclosing(Live(rabbitmq_vhost, PostgresStore(postgres, postgres_schema))) as live:
        yield live


async def test_a_watcher_hears_of_a_commit_and_hears_again_after_its_connection_broke(live: Live) -> None:
    app = App("counter")
    totals = counting(app)
    await live.prepare(app)
    await live.start(app)
    async with (
        proxied(live.address.amqp) as amqp,
        listening(live, amqp.at(live.address.amqp)) as changes,
        asyncio.timeout(SECONDS),
    ):
        view = Views({"counter": live.store}, changes).of("counter", totals)
        with view.watch("hazel", again=3_600) as watch:
            assert await watch.changed() is None
            await live.send(Order("fiver"), Order("hazel"), ids=["1", "2"])
            assert await watch.changed() == frozenset({"hazel"})
            assert await view.get("hazel") == 1
            amqp.cut()
            assert await watch.changed() is None, "it was not listened to for a moment"
            await live.send(Order("hazel"), ids=["3"])
            assert await watch.changed() == frozenset({"hazel"})
            assert await view.get("hazel") == 2


@asynccontextmanager
async def listening(live: Live, url: str) -> AsyncIterator[Changes]:
    broker = RabbitMQ(url, live.address.stream, live.address.management)
    changes = Changes(broker, Random(1))
    try:
        yield changes
    finally:
        await changes.close()
        await broker.close()
