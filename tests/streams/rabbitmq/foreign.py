"""Somebody else's client of the same RabbitMQ (aio-pika), and the management API."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from tests.servers.address import RabbitMQ

Arguments = Mapping[str, str | int]


class Foreign:
    """Declares, publishes and deletes."""

    def __init__(self, server: RabbitMQ, connection: AbstractConnection, channel: AbstractChannel) -> None:
        self.server = server
        self._connection = connection
        self._channel = channel

    @classmethod
    async def connect(cls, server: RabbitMQ) -> "Foreign":
        connection = await aio_pika.connect(server.amqp)
        return cls(server, connection, await connection.channel())

    async def close(self) -> None:
        await self._connection.close()

    async def exchange(self, name: str, kind: str = "topic", arguments: Arguments | None = None) -> AbstractExchange:
        return await self._channel.declare_exchange(
            name, aio_pika.ExchangeType(kind), durable=True, arguments=dict(arguments or {})
        )

    async def log(self, name: str, *exchanges: str, arguments: Arguments | None = None) -> str:
        """A stream, bound to exchanges with `#`."""
        return await self._declare(name, exchanges, {"x-queue-type": "stream", **(arguments or {})})

    async def queue(self, name: str, *exchanges: str, arguments: Arguments | None = None) -> str:
        """A quorum queue, bound to exchanges with `#`."""
        return await self._declare(name, exchanges, {"x-queue-type": "quorum", **(arguments or {})})

    async def _declare(self, name: str, exchanges: tuple[str, ...], arguments: Arguments) -> str:
        queue = await self._channel.declare_queue(name, durable=True, arguments=dict(arguments))
        for exchange in exchanges:
            await queue.bind(exchange, "#")
        return name

    async def delete(self, name: str) -> None:
        """A queue or log."""
        await self._channel.queue_delete(name)

    async def publish(self, exchange: str, key: str, message: aio_pika.Message) -> None:
        target = await self._channel.get_exchange(exchange) if exchange else self._channel.default_exchange
        await target.publish(message, key)

    async def manage(self, method: str, path: str, body: object = None) -> httpx.Response:
        """A call of the management API. `{vhost}` in the path is filled in."""
        url = urlsplit(self.server.management)
        base = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
        login = (url.username or "guest", url.password or "guest")
        async with httpx.AsyncClient(base_url=base, auth=login, trust_env=False, timeout=30) as client:
            vhost = quote(self.server.vhost, safe="")
            response = await client.request(method, f"/api/{path.format(vhost=vhost)}", json=body)
            response.raise_for_status()
            return response
