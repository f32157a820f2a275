"""What the tests of brokers do again and again: make messages, read a log, take from a queue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from streams.broker import Broker, Chunk, Delivery, Details, Envelope, LogReader, Message, Outcome, QueueReader, Scalar
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

SECONDS = 20.0
"""How long something may take that ought to come."""

DEAD_LETTERS = (Exchange("dlx"), Log("dead.letters", (Binding("dlx", "#"),)))


def topology(*parts: Exchange | Queue | Log) -> Topology:
    """One service with these parts, and where dead letters go."""
    parts = (*DEAD_LETTERS, *parts)
    service = Service(
        "shop",
        exchanges=tuple(part for part in parts if isinstance(part, Exchange)),
        queues=tuple(part for part in parts if isinstance(part, Queue)),
        logs=tuple(part for part in parts if isinstance(part, Log)),
    )
    return Topology((service,))


def message(
    exchange: str,
    key: str,
    body: bytes = b"{}",
    *,
    type: str = "order.created",
    headers: dict[str, Scalar] | None = None,
) -> Message:
    """A message with an id of its own."""
    return Message(
        exchange=exchange, routing_key=key, body=body, message_id=str(uuid4()), type=type, headers=headers or {}
    )


def numbered(exchange: str, key: str, numbers: Iterable[int]) -> list[Message]:
    """Messages whose bodies are these numbers."""
    return [message(exchange, key, str(number).encode()) for number in numbers]


async def send(broker: Broker, *messages: Message) -> None:
    """Publish, and see that all are confirmed."""
    assert await broker.publish(messages) == [Outcome.CONFIRMED] * len(messages)


async def envelopes(reader: LogReader, count: int, start: int = 0) -> list[Envelope]:
    """The next messages of a log with offsets from `start` on, at least so many."""
    found: list[Envelope] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            found += reader.scan(await anext(reader), start, ())
    return found


async def read(broker: Broker, log: str, count: int) -> list[Envelope]:
    """The first messages of a log, at least so many."""
    async with broker.read(log, "first") as reader:
        return await envelopes(reader, count)


async def read_details(broker: Broker, log: str, count: int) -> list[tuple[Envelope, Details]]:
    """The first messages of a log, with their details."""
    async with broker.read(log, "first") as reader:
        return [(envelope, reader.details(envelope)) for envelope in await envelopes(reader, count)]


async def chunk(reader: LogReader) -> Chunk:
    """The next chunk."""
    async with asyncio.timeout(SECONDS):
        return await anext(reader)


async def deliveries(reader: QueueReader, count: int) -> list[Delivery]:
    """So many deliveries."""
    found: list[Delivery] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            found += await anext(reader)
    return found


@asynccontextmanager
async def delivered(broker: Broker, queue: str, count: int) -> AsyncIterator[tuple[QueueReader, list[Delivery]]]:
    """A consumer with so many deliveries."""
    async with broker.consume(queue, max(1, count)) as reader:
        yield reader, await deliveries(reader, count)


async def drain(broker: Broker, queue: str, count: int) -> list[Envelope]:
    """So many messages of a queue, acknowledged."""
    async with delivered(broker, queue, count) as (reader, found):
        await reader.ack([delivery.envelope.offset for delivery in found])
        return [delivery.envelope for delivery in found]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(SECONDS):
        held = await condition()
        while not held:
            await asyncio.sleep(0.02)
            held = await condition()


async def until_depth(broker: Broker, queue: str, depth: int) -> None:
    """Wait until so many messages are ready in a queue."""

    async def reached() -> bool:
        return await broker.depth(queue) == depth

    await until(reached)


def bodies(found: Sequence[Envelope | Delivery]) -> list[str]:
    """The bodies, in order."""
    return [(one.envelope if isinstance(one, Delivery) else one).body.decode() for one in found]
