"""A broker on a virtual host of its own, and what breaks it."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Server
from tests.streams.rabbitmq.foreign import Foreign
from tests.streams.rabbitmq.proxy import Proxy, proxied


@pytest.fixture(autouse=True)
async def quiet_loop() -> AsyncIterator[None]:
    """Nothing may end in the event loop's hands: no exception that nobody retrieved, no callback that failed."""
    faults: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(f"{context['message']}: {context.get('exception')!r}"))
    yield
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    assert faults == []


@pytest.fixture
async def foreign(rabbitmq_vhost: Server) -> AsyncIterator[Foreign]:
    client = await Foreign.connect(rabbitmq_vhost)
    yield client
    await client.close()


@pytest.fixture
async def broker(rabbitmq_vhost: Server) -> AsyncIterator[RabbitMQ]:
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, rabbitmq_vhost.management)
    yield broker
    await broker.close()


class Breakable:
    """A broker whose connections go through proxies."""

    def __init__(self, broker: RabbitMQ, amqp: Proxy, stream: Proxy) -> None:
        self.broker = broker
        self.amqp = amqp
        self.stream = stream

    def cut(self) -> None:
        self.amqp.cut()
        self.stream.cut()


@pytest.fixture
async def breakable(rabbitmq_vhost: Server) -> AsyncIterator[Breakable]:
    async with AsyncExitStack() as stack:
        amqp = await stack.enter_async_context(proxied(rabbitmq_vhost.amqp))
        stream = await stack.enter_async_context(proxied(rabbitmq_vhost.stream))
        broker = RabbitMQ(amqp.at(rabbitmq_vhost.amqp), stream.at(rabbitmq_vhost.stream))
        stack.push_async_callback(broker.close)
        yield Breakable(broker, amqp, stream)


async def close_connections(foreign: Foreign, name: str) -> None:
    """Close the connections of this name by the management API, which learns of them a little late."""
    async with asyncio.timeout(20):
        while True:
            connections = (await foreign.manage("GET", "vhosts/{vhost}/connections")).json()
            names = [c["name"] for c in connections if c.get("client_properties", {}).get("connection_name") == name]
            for each in names:
                await foreign.manage("DELETE", f"connections/{each}")
            if names:
                return
            await asyncio.sleep(0.1)
