"""What tests do with a topology on a real broker: apply it, publish to it, take from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from tests.servers.address import RabbitMQ
from topology.credentials import Password
from topology.diff import diff
from topology.management import Management
from topology.observe import length, observe
from topology.plan import Deletions, Plan
from topology.rabbitmq import apply
from topology.spec import Topology

SECONDS = 20.0
"""How long something may take that ought to come."""


class Bench:
    """One virtual host, seen by the topology tool and by a foreign client."""

    def __init__(self, server: RabbitMQ, management: Management, channel: AbstractChannel) -> None:
        self.server = server
        self.management = management
        self.vhost = server.vhost
        self.channel = channel

    async def plan(
        self, topology: Topology, passwords: dict[str, Password] | None = None, deletions: Deletions | None = None
    ) -> Plan:
        observed = await observe(self.management, self.vhost, users=passwords is not None)
        return diff(topology, observed, passwords=passwords, deletions=deletions)

    async def apply(self, topology: Topology, passwords: dict[str, Password] | None = None) -> None:
        """Apply a topology, and see that nothing is left to do."""
        plan = await self.plan(topology, passwords)
        assert not plan.conflicts
        await apply(self.management, self.vhost, plan.steps)
        left = await self.plan(topology, passwords)
        assert (left.steps, left.conflicts) == ((), ())

    async def publish(self, exchange: str, key: str, **headers: str) -> str:
        """Publish a message, wait for the confirm, and give its id."""
        return await publish(self.channel, exchange, key, **headers)

    async def take(self, queue: str) -> AbstractIncomingMessage:
        """The next message of a queue, acknowledged."""
        async with asyncio.timeout(SECONDS), (await self._queue(queue)).iterator() as messages:
            message = await anext(messages)
            await message.ack()
            return message

    async def throw_back(self, queue: str, times: int) -> None:
        """Reject what comes, so many times, for it to come again."""
        async with asyncio.timeout(SECONDS), (await self._queue(queue)).iterator() as messages:
            for _ in range(times):
                await (await anext(messages)).reject(requeue=True)

    async def read(self, log: str, number: int = 1) -> list[AbstractIncomingMessage]:
        """The first messages of a log."""
        queue = await self._queue(log)
        async with asyncio.timeout(SECONDS), queue.iterator(arguments={"x-stream-offset": "first"}) as messages:
            found = []
            for _ in range(number):
                found.append(await anext(messages))
                await found[-1].ack()
            return found

    async def until_known(self, queue: str, messages: int) -> None:
        """Wait for the management plugin to learn how many messages a queue holds."""
        async with asyncio.timeout(SECONDS):
            while True:
                if await length(self.management, self.vhost, queue) == messages:
                    return
                await asyncio.sleep(0.1)

    async def _queue(self, name: str) -> aio_pika.abc.AbstractQueue:
        await self.channel.set_qos(prefetch_count=1)  # a stream gives nothing without a limit
        return await self.channel.get_queue(name, ensure=False)

    @asynccontextmanager
    async def login(self, user: str, password: str) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
        """A connection as another user."""
        async with await aio_pika.connect(as_user(self.server.amqp, user, password)) as connection:
            yield connection


def as_user(url: str, user: str, password: str) -> str:
    """The same address, for another user."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}").geturl()


async def publish(channel: AbstractChannel, exchange: str, key: str, **headers: str) -> str:
    """Publish a message, wait for the confirm, and give its id."""
    message = aio_pika.Message(
        b"{}", message_id=str(uuid4()), headers=dict(headers), delivery_mode=aio_pika.DeliveryMode.PERSISTENT
    )
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await target.publish(message, key)
    assert message.message_id
    return message.message_id
