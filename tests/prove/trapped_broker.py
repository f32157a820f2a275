"""RabbitMQ with a trap before and after everything that it does for the agents `count` and `handle`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from streams.broker import Chunk, Delivery, Details, Envelope, Lineage, LogReader, Message, Outcome, QueueReader
from streams.rabbitmq import RabbitMQ
from tests.prove.spring import Spring
from tests.servers.address import RabbitMQ as Address


class TrappedBroker(RabbitMQ):
    """See the module's text."""

    def __init__(self, address: Address, spring: Spring) -> None:
        super().__init__(address.amqp, address.stream, address.management)
        self._spring = spring

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        kind = self._kind(messages)
        self._spring.at(f"{kind}.before")
        half = len(messages) // 2
        if half:
            first = await super().publish(messages[:half])
            self._spring.at(f"{kind}.half")
            outcomes = [*first, *await self._rest(first, messages[half:])]
        else:
            outcomes = await super().publish(messages)
        self._spring.at(f"{kind}.after")
        return outcomes

    async def _rest(self, first: Sequence[Outcome], messages: Sequence[Message]) -> list[Outcome]:
        """After a break nothing more is sent: a message may not overtake one that is lost."""
        if Outcome.LOST in first:
            return [Outcome.LOST] * len(messages)
        return await super().publish(messages)

    def _kind(self, messages: Sequence[Message]) -> str:
        first = messages[0]
        if first.exchange.startswith("retry."):
            return "retry"
        if first.exchange == "dlx":
            return "bury"
        if first.type != "counted":
            return "tell"
        again, self._spring.publishes_again = self._spring.publishes_again, False
        return "republish" if again else "publish"

    @asynccontextmanager
    async def _log(self, log: str, offset: int | Literal["first", "next"]) -> AsyncIterator[LogReader]:
        if log != "entries":
            async with super().read(log, offset) as reader:
                yield reader
            return
        self._spring.at("subscribe.before")
        async with super().read(log, offset) as reader:
            self._spring.at("subscribe.after")
            yield TrappedLogReader(reader, self._spring)

    def read(self, log: str, offset: int | Literal["first", "next"]) -> AbstractAsyncContextManager[LogReader]:
        return self._log(log, offset)

    @asynccontextmanager
    async def _queue(self, queue: str, prefetch: int) -> AsyncIterator[QueueReader]:
        self._spring.at("consume.before")
        async with super().consume(queue, prefetch) as reader:
            self._spring.at("consume.after")
            yield TrappedQueueReader(reader, self._spring)

    def consume(self, queue: str, prefetch: int) -> AbstractAsyncContextManager[QueueReader]:
        return self._queue(queue, prefetch)


class TrappedLogReader:
    """Passes `chunk.after` when a chunk has come."""

    def __init__(self, reader: LogReader, spring: Spring) -> None:
        self._reader = reader
        self._spring = spring
        self.scan = reader.scan
        self.fingerprint = reader.fingerprint
        self.details = reader.details
        self.lineage = reader.lineage

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        chunk = await anext(self._reader)
        self._spring.at("chunk.after")
        return chunk


class TrappedQueueReader:
    """Passes `deliver.after` when deliveries have come, `ack.before` and `ack.after`."""

    def __init__(self, reader: QueueReader, spring: Spring) -> None:
        self._reader = reader
        self._spring = spring

    def __aiter__(self) -> AsyncIterator[list[Delivery]]:
        return self

    async def __anext__(self) -> list[Delivery]:
        deliveries = await anext(self._reader)
        self._spring.at("deliver.after")
        return deliveries

    async def ack(self, tags: Sequence[int]) -> None:
        self._spring.at("ack.before")
        await self._reader.ack(tags)
        self._spring.at("ack.after")

    async def reject(self, tag: int, *, requeue: bool) -> None:
        await self._reader.reject(tag, requeue=requeue)

    def details(self, envelope: Envelope) -> Details:
        return self._reader.details(envelope)

    def lineage(self, envelope: Envelope) -> Lineage:
        return self._reader.lineage(envelope)
