"""Setting the scene: a virtual host and a schema of the benchmarks' own, filled with events before a clock starts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from uuid import uuid4

import aiormq
import asyncpg
from aiormq.abc import AbstractChannel

from benchmarks.messages import messages
from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.scene import LANES, NOTHING, PUBLISHED, QUEUE, Scene
from benchmarks.servers import Servers
from streams.broker import Message, Outcome
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Address
from tests.servers.management import create_vhost, delete_vhost

BATCH = 5_000
STREAM, QUORUM = "stream", "quorum"


class Stage:
    """What the trials of one run share. Logs are filled once, queues before each trial."""

    def __init__(
        self, address: Address, postgres: str, servers: Servers, channel: AbstractChannel, broker: RabbitMQ
    ) -> None:
        self.servers = servers
        self._address = address
        self._postgres = postgres
        self._channel = channel
        self._broker = broker
        self._filled: dict[str, int] = {}

    @asynccontextmanager
    async def scene(self, source: str, count: int) -> AsyncIterator[Scene]:
        """A scene with `count` events in its source (none in PUBLISHED, which is to be filled) and an empty schema."""
        if source != NOTHING and self._filled.get(source) != count:
            await self._fill(source, count)
        schema = f"bench_{uuid4().hex}"
        await self._execute(f"CREATE SCHEMA {schema}")
        try:
            yield self._scene(schema, source, count)
        finally:
            await self._execute(f"DROP SCHEMA {schema} CASCADE")

    def _scene(self, schema: str, source: str, count: int) -> Scene:
        return Scene(
            amqp=self._address.amqp,
            stream=self._address.stream,
            postgres=self._postgres,
            schema=schema,
            source=source,
            count=count,
            rabbitmq_pid=self.servers.rabbitmq_pid,
            postgres_pid=self.servers.postgres_pid,
        )

    async def _fill(self, source: str, count: int) -> None:
        kind = QUORUM if source == QUEUE else STREAM
        await self._channel.queue_delete(source)
        await self._channel.queue_declare(source, durable=True, arguments={"x-queue-type": kind})
        await self._channel.queue_bind(source, EXCHANGE, TYPE)
        if source == PUBLISHED:
            return
        await self._publish(messages(count, lanes=source == LANES))
        await self._channel.queue_unbind(source, EXCHANGE, TYPE)
        if kind == STREAM:
            self._filled[source] = count

    async def _publish(self, made: Iterator[Message]) -> None:
        while batch := list(islice(made, BATCH)):
            outcomes = await self._broker.publish(batch)
            if set(outcomes) != {Outcome.CONFIRMED}:
                raise RuntimeError(f"RabbitMQ did not take every event: {set(outcomes)}")

    async def held(self, source: str) -> int:
        """Messages in a queue that are ready, or in a log."""
        if source == QUEUE:
            return await self._broker.depth(source)
        extent = await self._broker.extent(source)
        return extent.last - extent.first + 1

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._postgres)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def stage(server: Address, postgres: str, servers: Servers) -> AsyncIterator[Stage]:
    """A stage, taken down at the end with everything on it."""
    own = server.at(f"bench-{uuid4().hex}")
    await asyncio.to_thread(create_vhost, own)
    try:
        connection = await aiormq.connect(own.amqp)
        broker = RabbitMQ(own.amqp, own.stream)
        try:
            channel = await connection.channel()
            await channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
            yield Stage(own, postgres, servers, channel, broker)
        finally:
            await broker.close()
            await connection.close()
    finally:
        await asyncio.to_thread(delete_vhost, own)
