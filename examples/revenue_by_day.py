"""Count revenue by day, exactly once, in thirty lines: topology, an agent, a table, a view.

    python examples/revenue_by_day.py

Needs no server: the embedded broker and a store in memory run in this process.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from stores.memory import MemoryStore
from streams import App, Publisher, Record, Stream, Views, Worker
from streams.embedded import Embedded
from topology.spec import Binding, Exchange, Log, Service, Topology

topology = Topology(
    (
        Service("shared", exchanges=(Exchange("dlx"),), logs=(Log("dead.letters", (Binding("dlx", "#"),)),)),
        Service(
            "books",
            exchanges=(Exchange("payments"),),
            publishes={"payments": ("payment.captured",)},
            logs=(Log("books.payments", (Binding("payments", "payment.#"),)),),
        ),
    )
)

books = App("books")


class PaymentCaptured(Record, event="payment.captured"):
    """Money came in."""

    amount: Decimal
    currency: str


payments = books.topic("books.payments", value_type=PaymentCaptured)
revenue = books.Table("revenue", default=Decimal, merge=Decimal.__add__).tumbling(timedelta(days=1))


@books.agent(payments)
async def revenue_by_day(stream: Stream[PaymentCaptured]) -> None:
    """Add each payment to its day."""
    async for payment in stream:
        revenue[payment.currency] += payment.amount


def now() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


async def main() -> Decimal:
    """Publish three payments, one of them twice, and read the day's revenue."""
    server, store = Embedded(topology), MemoryStore()
    broker = server.connect("books")
    await store.open()
    await store.apply(books.specs())
    worker = Worker([books], broker=broker, stores={"books": store}, topology=topology, now=now, ids=Random())
    await worker.start()

    publisher = Publisher(broker, topology, service="books", now=now, ids=Random())
    at = round(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp() * 1000)
    for name, amount in (("a", "10.00"), ("b", "2.50"), ("a", "10.00")):
        payment = PaymentCaptured(Decimal(amount), "EUR")
        await publisher.publish([publisher.record("payments", payment, id=name, time=at)])

    for _ in range(1_000):
        if worker.status()[0].handled == 2:
            break
        await asyncio.sleep(0.01)
    await worker.stop()
    day = datetime(2026, 1, 31, tzinfo=UTC)
    found = await Views({"books": store}).of("books", revenue).windows("EUR", [day])
    await server.close()
    return found[day]


if __name__ == "__main__":
    print(asyncio.run(main()))
