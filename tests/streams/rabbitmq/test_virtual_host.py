"""A virtual host that is not there, or not for this user."""

import pytest

from streams.errors import AccessRefused
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Server


async def test_a_virtual_host_that_is_not_there_is_what_the_error_speaks_of(rabbitmq: Server) -> None:
    nowhere = rabbitmq.at("no-such-host")
    broker = RabbitMQ(nowhere.amqp, nowhere.stream)
    with pytest.raises(AccessRefused, match="the broker refused the virtual host: `rabbitmqctl list_vhosts`"):
        await broker.open()
    await broker.close()
