"""RabbitMQ as a broker: logs by the stream protocol, exchanges and queues by AMQP 0-9-1."""

import ssl as tls
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal

from streams.broker import Capabilities, Extent, Health, Listener, LogReader, Message, Outcome, QueueReader
from streams.rabbitmq.addresses import amqp_address, stream_address, visible
from streams.rabbitmq.depths import Depths
from streams.rabbitmq.extents import Extents
from streams.rabbitmq.link import Link
from streams.rabbitmq.listener import listening
from streams.rabbitmq.log_reader import Offset, subscribed
from streams.rabbitmq.notice_board import NoticeBoard
from streams.rabbitmq.publisher import Publisher
from streams.rabbitmq.queue_reader import consumed
from streams.rabbitmq.stream_connections import StreamConnections

MAX_MESSAGE_BYTES = 16 << 20
"""RabbitMQ 4's default (before it was 128 MiB)."""


class RabbitMQ:
    """One user's way to RabbitMQ 3.10 to 4.3. See `streams.broker.Broker`.

    It publishes and consumes over a connection each, because RabbitMQ holds back the whole connection of a publisher
    that is too fast, and reads each log over one of its own.
    """

    def __init__(
        self,
        amqp_url: str,
        stream_url: str,
        management_url: str | None = None,
        *,
        ssl: tls.SSLContext | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """`amqp://` and `rabbitmq-stream://user:password@host:port/vhost`, or `amqps://` and
        `rabbitmq-stream+tls://`, with `ssl` where the system's certificates are not enough. The management URL is
        only told to people, as the place to look. Raises BrokerError for a URL of another kind.
        """
        address = amqp_address(amqp_url, ssl)
        self._user = address.user
        self._publishing = Link(address, amqp_url, "warren publishes")
        self._consuming = Link(address, amqp_url, "warren consumes")
        self._streams = StreamConnections(stream_address(stream_url, ssl))
        self._publisher = Publisher(self._publishing, self._user, max_message_bytes)
        self._notices = NoticeBoard(self._publishing)
        self._extents = Extents(self._streams)
        self._depths = Depths(self._consuming)
        self._management = management_url and visible(management_url)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("rabbitmq", durable=True, max_message_bytes=self._publisher.most)

    @property
    def user(self) -> str:
        return self._user

    async def open(self) -> None:
        await self._publishing.open()
        await self._extents.open()

    def expect(self, logs: Iterable[str]) -> None:
        self._publisher.roll_call.expect(logs)

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        return await self._publisher.publish(messages)

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        self._notices.post(exchange, key, body)

    def listen(self, exchange: str, keys: Sequence[str]) -> AbstractAsyncContextManager[Listener]:
        return listening(self._consuming, exchange, keys)

    def read(self, log: str, offset: Offset) -> AbstractAsyncContextManager[LogReader]:
        return subscribed(self._streams, log, offset)

    def consume(self, queue: str, prefetch: int) -> AbstractAsyncContextManager[QueueReader]:
        return consumed(self._consuming, queue, prefetch)

    async def depth(self, queue: str) -> int:
        return await self._depths.depth(queue)

    async def extent(self, log: str) -> Extent:
        return await self._extents.extent(log)

    def health(self) -> Health:
        """A connection that has broken and was not needed since is no problem: it is made again when it is."""
        links = (self._publishing, self._consuming)
        faults = [str(link.fault) for link in links if link.fault] + self._streams.problems()
        problems = faults + self._publisher.suspects.problems()
        if self._publisher.roll_call.missing:
            problems.append(self._publisher.roll_call.missing)
        if self._publishing.blocked:
            problems.append(f"RabbitMQ has stopped taking messages: free memory or disk space on its node{self._place}")
        up = self._streams.up or any(link.up for link in links)
        return Health(_state(up, bool(faults), self._publishing.blocked), tuple(problems))

    @property
    def _place(self) -> str:
        return f" (see {self._management})" if self._management else ""

    async def close(self) -> None:
        await self._notices.close()
        await self._publisher.close()
        await self._extents.close()
        await self._streams.close()
        await self._publishing.close()
        await self._consuming.close()


def _state(up: bool, faulty: bool, blocked: bool) -> Literal["idle", "connected", "blocked", "down"]:
    if faulty:
        return "down"
    if blocked:
        return "blocked"
    return "connected" if up else "idle"
