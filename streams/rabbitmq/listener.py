"""Listening to notices: a queue of the connection's own, which ends with it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiormq.abc import ArgumentsType

from streams.broker import Notice
from streams.rabbitmq.faults import LIBRARY_ERRORS, translated
from streams.rabbitmq.link import Link, Wire
from streams.rabbitmq.queue_reader import QueueConsumer

PREFETCH: Final = 500
_ARGUMENTS: Final[ArgumentsType] = {"x-max-length": 10_000, "x-overflow": "drop-head"}


@asynccontextmanager
async def listening(link: Link, exchange: str, keys: Sequence[str]) -> AsyncIterator["NoticeReader"]:
    """A listener on a channel of its own. Raises NoSuchTarget, BrokerUnavailable, AccessRefused."""
    consumer = await link.channel(NoticeConsumer)
    try:
        await consumer.bind(exchange, keys)
        await consumer.start(PREFETCH)
        yield NoticeReader(consumer)
    finally:
        # With its only consumer the queue goes.
        await link.leave(consumer)


class NoticeConsumer(QueueConsumer):
    """A consumer of a queue that RabbitMQ names and no other connection may use."""

    def __init__(self, wire: Wire, number: int) -> None:
        super().__init__(wire, number, "")

    async def bind(self, exchange: str, keys: Sequence[str]) -> None:
        """Make the queue, and lead these keys to it."""
        try:
            made = await self.queue_declare("", exclusive=True, auto_delete=True, arguments=_ARGUMENTS)
            self._queue = made.queue or ""
            for key in keys:
                await self.queue_bind(self._queue, exchange, key)
        except LIBRARY_ERRORS as error:
            raise translated(error, f"listening to the exchange {exchange!r}") from error


class NoticeReader:
    """See `streams.broker.Listener`."""

    def __init__(self, consumer: NoticeConsumer) -> None:
        self._consumer = consumer

    def __aiter__(self) -> "NoticeReader":
        return self

    async def __anext__(self) -> list[Notice]:
        batch = [delivery.envelope for delivery in await anext(self._consumer)]
        await self._consumer.ack([envelope.offset for envelope in batch])
        return [Notice(self._consumer.details(envelope).routing_key, envelope.body) for envelope in batch]
