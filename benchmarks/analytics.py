"""`python -m benchmarks.analytics [ORDERS]`: what an event of the shop costs the analytics agent, in µs of CPU.

Embedded and in memory, so that it is the agent's own time with decoding, tables and encoding, and no server's. An order
is thirteen events: five of its visitor, eight of its own life. Five are of types that analytics skips.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from uuid import UUID

from agents.analytics.events import CartAdded, CheckoutStarted, ProductViewed
from agents.orders.events import Address, Line, OrderCreated, OrderPaid
from agents.payments.events import PaymentAuthorized, PaymentCaptured
from agents.registry import load
from stores.memory import MemoryStore
from streams import Publisher, Record, Worker
from streams.broker import Message
from streams.codec import encode, event_type
from streams.embedded import Embedded
from topology.load import load_shop

BEGIN = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
HOME = Address("A shopper", "1 High Street", "Delft", "2611 AB", "NL")
LOG = "analytics.all.events"
EVERY = 20
"""Milliseconds between orders."""


class Skipped(Record, event="inventory.reserved"):
    """An event that analytics does not read."""

    order_id: UUID
    user_id: UUID
    amount: Decimal


def main(orders: int) -> None:
    """Print µs of CPU for each event in the log."""
    asyncio.run(_run(orders))


async def _run(orders: int) -> None:
    topology = load_shop()
    server = Embedded(topology, clock=lambda: BEGIN + EVERY * orders)
    broker = server.connect("warren")
    publisher = Publisher(broker, topology, service="gateway", now=lambda: BEGIN, ids=Random(0))
    events = 0
    for batch in _batches(publisher, orders):
        await publisher.publish(batch)
        events += len(batch)
    (app,) = load(["analytics"])
    store = MemoryStore()
    await store.open()
    await store.apply(app.specs())
    worker = Worker([app], broker=broker, stores={app.id: store}, topology=topology, now=lambda: BEGIN, ids=Random(1))
    began, cpu = time.perf_counter(), time.process_time()
    await worker.start()
    await _until(lambda: worker.status()[0].position >= events - 1)
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - began
    (status,) = worker.status()
    await worker.stop()
    await server.close()
    print(
        f"{events:,} events of {orders:,} orders: {1e6 * cpu / events:.2f} µs of CPU each, "
        f"{1e6 * cpu / orders:.0f} µs an order; {events / elapsed:,.0f} events/s; "
        f"{status.handled:,} counted, {status.dead} dead, {status.rows:,} rows in memory"
    )


async def _until(done: Callable[[], bool]) -> None:
    loop, reached = asyncio.get_running_loop(), asyncio.Event()

    def look() -> None:
        if done():
            reached.set()
        else:
            loop.call_later(0.005, look)

    look()
    await reached.wait()


def _batches(publisher: Publisher, orders: int) -> Iterator[list[Message]]:
    chance = Random(7)
    for first in range(0, orders, 200):
        yield [message for n in range(first, min(first + 200, orders)) for message in _life(publisher, n, chance)]


def _life(publisher: Publisher, number: int, chance: Random) -> Iterator[Message]:
    at, order = BEGIN + EVERY * number, UUID(int=number + 1)
    user = UUID(int=chance.randrange(1, 5_000))
    products = {UUID(int=int(chance.paretovariate(0.8)) % 5_000): None for _ in range(chance.randint(1, 4))}
    lines = [Line(product, chance.randint(1, 3), Decimal("12.50")) for product in products]
    total = sum((line.price * line.quantity for line in lines), Decimal(0))
    session, product = f"s-{number}", lines[0].product_id
    events: tuple[Record, ...] = (
        *(ProductViewed(session, user, product) for _ in range(3)),
        CartAdded(session, user, product),
        CheckoutStarted(session, user, product),
        OrderCreated(order, user, lines, total, "EUR", HOME),
        Skipped(order, user, total),
        PaymentAuthorized(order, order, user, total, "EUR"),
        Skipped(order, user, total),
        PaymentCaptured(order, order, user, total, "EUR"),
        OrderPaid(order, user, total, "EUR"),
        Skipped(order, user, total),
        Skipped(order, user, total),
    )
    for step, event in enumerate(events):
        name = event_type(type(event)) or ""
        at += chance.randint(1, 30)
        yield publisher.message("order.events", name, encode(event), key=str(order), time=at + step)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
