"""Consuming from a queue."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiormq.channel import Channel
from pamqp import commands

from streams.broker import Delivery, Details, Envelope, Lineage
from streams.errors import BrokerError, ConsumerCancelled
from streams.rabbitmq.deliveries import Received, delivery, details, lineage
from streams.rabbitmq.faults import LIBRARY_ERRORS, misnamed, translated
from streams.rabbitmq.frames import ack, reject
from streams.rabbitmq.link import Link, Wire, end_of


@asynccontextmanager
async def consumed(link: Link, queue: str, prefetch: int) -> AsyncIterator["QueueConsumer"]:
    """A consumer on a channel of its own. Raises NoSuchTarget, BrokerUnavailable, AccessRefused."""
    consumer = await link.channel(QueueConsumer, queue)
    try:
        await consumer.start(prefetch)
        yield consumer
    finally:
        # Closing the channel returns to the queue what is not settled.
        await link.leave(consumer)


class QueueConsumer(Channel):
    """The deliveries of a queue in batches. See `streams.broker.QueueReader`."""

    def __init__(self, wire: Wire, number: int, queue: str) -> None:
        super().__init__(wire, number, publisher_confirms=False)
        self._wire = wire
        self._queue = queue
        self._arrived: list[Delivery] = []
        self._unsettled: dict[int, None] = {}
        self._news = asyncio.Event()
        self._cancelled = False
        self._over = False
        self.on_consumer_cancel_callbacks.add(self._on_cancelled)
        self.closing.add_done_callback(self._on_closed)

    async def start(self, prefetch: int) -> None:
        self._wire.deliver(self.number, self._on_delivery)
        try:
            await self.basic_qos(prefetch_count=prefetch)
            await self.basic_consume(self._queue, _unused)
        except LIBRARY_ERRORS as error:
            raise translated(error, f"consuming from the queue {self._queue!r}") from error
        except ValueError as error:
            raise misnamed(error, f"consuming from the queue {self._queue!r}") from error

    def __aiter__(self) -> "QueueConsumer":
        return self

    async def __anext__(self) -> list[Delivery]:
        while not self._arrived:
            self._check()
            if self._cancelled:
                raise ConsumerCancelled(f"the broker ended the consumer of the queue {self._queue!r}: attach again")
            self._news.clear()
            await self._news.wait()
        batch, self._arrived = self._arrived, []
        return batch

    def _check(self) -> None:
        """Raises BrokerUnavailable when the channel is gone."""
        if self._over:
            cause = end_of(self)
            raise translated(cause, f"consuming from the queue {self._queue!r}") from cause

    async def ack(self, tags: Sequence[int]) -> None:
        """One frame settles the oldest ones, one each those that others still precede; all are written at once."""
        self._check()
        settled = self._settled(tags)
        upto = 0
        for tag in self._unsettled:
            if tag not in settled:
                break
            upto = tag
        frames = [ack(self.number, upto, multiple=True)] if upto else []
        frames += [ack(self.number, tag, multiple=False) for tag in settled if tag > upto]
        for tag in settled:
            del self._unsettled[tag]
        self._wire.send(b"".join(frames))

    async def reject(self, tag: int, *, requeue: bool) -> None:
        self._check()
        self._settled([tag])
        del self._unsettled[tag]
        self._wire.send(reject(self.number, tag, requeue=requeue))

    def _settled(self, tags: Sequence[int]) -> dict[int, None]:
        """The broker closes the channel for a tag that it does not know."""
        unknown = [tag for tag in tags if tag not in self._unsettled]
        if unknown:
            raise BrokerError(f"deliveries {unknown} of the queue {self._queue!r} are not open: settle each once")
        return dict.fromkeys(tags)

    def details(self, envelope: Envelope) -> Details:
        return details(envelope.raw)

    def lineage(self, envelope: Envelope) -> Lineage:
        return lineage(envelope.raw)

    def _on_delivery(self, received: Received) -> None:
        arrived = delivery(received)
        self._unsettled[arrived.envelope.offset] = None
        self._arrived.append(arrived)
        self._news.set()

    def _on_cancelled(self, _: commands.Basic.Cancel) -> None:
        self._cancelled = True
        self._news.set()

    def _on_closed(self, _: asyncio.Future[None]) -> None:
        self._over = True
        self._wire.forget(self.number, self._on_delivery)
        self._news.set()

    # aiormq's own handling of this frame, replaced.

    async def _on_close_frame(self, frame: commands.Channel.Close) -> None:
        # Before anything else is written: frames on a closed channel would end the connection.
        self._over = True
        await super()._on_close_frame(frame)


async def _unused(_: object) -> None:
    """Deliveries are taken before aiormq would call this."""
