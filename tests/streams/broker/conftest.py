"""The brokers that the contract is tested on. `connect` starts an empty one that has a topology."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import pytest

from streams.broker import Broker
from streams.embedded import Embedded
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as RabbitMQAddress
from topology.diff import diff
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply
from topology.spec import Topology

Connect = Callable[[Topology], Awaitable[Broker]]


@pytest.fixture(params=["in_memory", "in_a_file", "on_rabbitmq"])
def connect(request: pytest.FixtureRequest) -> Connect:
    return cast(Connect, request.getfixturevalue(request.param))


@pytest.fixture
async def in_memory() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:
        yield lambda topology: _embedded(stack, Embedded(topology))


@pytest.fixture
async def in_a_file(tmp_path: Path) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:
        yield lambda topology: _embedded(stack, Embedded(topology, file=tmp_path / "broker.db"))


async def _embedded(stack: AsyncExitStack, server: Embedded) -> Broker:
    stack.push_async_callback(server.close)
    broker = server.connect("shop")
    stack.push_async_callback(broker.close)
    return broker


@pytest.fixture
async def on_rabbitmq(rabbitmq_vhost: RabbitMQAddress) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:
        yield lambda topology: _rabbitmq(stack, rabbitmq_vhost, topology)


async def _rabbitmq(stack: AsyncExitStack, server: RabbitMQAddress, topology: Topology) -> Broker:
    async with Management(server.management) as management:
        plan = diff(topology, await observe(management, server.vhost))
        await apply(management, server.vhost, plan.steps)
    broker = RabbitMQ(server.amqp, server.stream, server.management)
    stack.push_async_callback(broker.close)
    return broker
