"""A RabbitMQ virtual host for a test, with the topology tool and a foreign client at it."""

from collections.abc import AsyncIterator

import aio_pika
import pytest

from tests.servers.address import RabbitMQ
from tests.topology.bench import Bench
from topology.management import Management


@pytest.fixture
async def bench(rabbitmq_vhost: RabbitMQ) -> AsyncIterator[Bench]:
    async with (
        Management(rabbitmq_vhost.management) as management,
        await aio_pika.connect(rabbitmq_vhost.amqp) as client,
    ):
        channel = await client.channel(on_return_raises=True)
        yield Bench(rabbitmq_vhost, management, channel)
