"""What went over the wire in a replay, read from the log of all events, and what was left over."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streams.broker import Broker
from streams.embedded import Embedded
from streams.rabbitmq import RabbitMQ
from tests.replay.oracle import Truth
from tests.servers import address
from topology.load import load_shop

EVERYTHING: Final = "analytics.all.events"
NOT_COUNTED: Final = frozenset(
    {
        *("notification.sent", "notification.failed", "notification.suppressed"),
        *("inventory.reserved", "inventory.committed", "product.updated", "payment.unknown"),
    }
)
"""The replay does not wait for users to be told; and what is asked again, after half a minute, is answered again."""
LEFT_OVER: Final = ("dead.letters", "unrouted")


@dataclass(slots=True)
class Wire:
    """Events by type: how many there are, and how many more messages than events there were."""

    events: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    left_over: int = 0
    """Dead letters, and messages that nobody wanted."""


def expected(truth: Truth) -> Counter[str]:
    """The events that there must be, each once or more often on the wire."""
    due = truth.orders - truth.unpaid
    each = {"order.created": truth.orders, "order.paid": truth.orders}
    return Counter({**each, "payment.authorized": due, "payment.captured": due})


@asynccontextmanager
async def of_file(directory: Path) -> AsyncIterator[Broker]:
    """The broker of an embedded shop that has ended."""
    server = Embedded(load_shop(), file=directory / "broker.db")
    yield server.connect("test")
    await server.close()


@asynccontextmanager
async def of_rabbitmq(place: address.RabbitMQ) -> AsyncIterator[Broker]:
    broker = RabbitMQ(place.amqp, place.stream)
    yield broker
    await broker.close()


async def wire(broker: Broker) -> Wire:
    """Reads the log of all events from its beginning to its end."""
    found, known = Wire(), set[tuple[str, str]]()
    end = (await broker.extent(EVERYTHING)).last
    async with broker.read(EVERYTHING, "first") as reader:
        async for chunk in reader:
            for envelope in reader.scan(chunk, chunk.first, NOT_COUNTED):
                event = envelope.type, envelope.id
                (found.repeats if event in known else found.events)[envelope.type] += 1
                known.add(event)
            if chunk.first + len(chunk.raws) > end:
                break
    for log in LEFT_OVER:
        extent = await broker.extent(log)
        found.left_over += extent.last - extent.first + (extent.last >= 0)
    return found
