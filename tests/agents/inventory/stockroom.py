"""The inventory service alone, on any broker and store, and those who write to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import wraps
from random import Random
from uuid import UUID

import msgspec
from msgspec.structs import replace

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from agents.inventory.tables import Hold, Reservation, Stock, reservations, stock
from agents.orders.events import Address, Line, OrderCreated
from agents.registry import load
from stores.memory import MemoryStore
from stores.port import Store
from streams import Publisher, Record, Views, Worker
from streams.broker import Broker
from streams.embedded import Embedded
from streams.testing.virtual_time import VirtualTimeLoop
from topology.load import load_shop

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
MAIN = "main"
USER = UUID(int=2)
TEA, LAMP = UUID(int=10), UUID(int=11)
HOME = Address("A", "1 Street", "Town", "1000", "NL")
TOPOLOGY = load_shop()
(app,) = load(["inventory"])


class Stockroom:
    """The service at work."""

    def __init__(self, broker: Broker, store: Store, now: Callable[[], int]) -> None:
        self.broker = broker
        self.store = store
        self.views = Views({app.id: store})
        self._now = now
        self._publishers = {
            service: Publisher(broker, TOPOLOGY, service=service, now=now, ids=Random(service))
            for service in ("orders", "gateway")
        }
        self.sent = 0

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Worker]:
        """A worker runs it as long as the context lasts."""
        await self.store.apply(app.specs())
        worker = Worker(
            [app], broker=self.broker, stores={app.id: self.store}, topology=TOPOLOGY, now=self._now, ids=Random(1)
        )
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()

    async def tell(self, *records: Record, times: int = 1) -> None:
        """Publish records as those who do would, each several times, every time as a message of its own."""
        messages = []
        for record in (record for record in records for _ in range(times)):
            exchange = "order.events" if isinstance(record, OrderCreated) else "commands"
            name = record.__event__ or ""
            by_edge = name in {"product.put", "inventory.receive"}
            publisher = self._publishers["gateway" if by_edge else "orders"]
            messages.append(publisher.record(exchange, record, key=name))
        await self.broker.publish(messages)
        self.sent += len(messages)

    async def put_foreign(self, product: UUID, price: str) -> None:
        """Publish a product as somebody does who does not know Warren's records."""
        message = self._publishers["gateway"].record("commands", ProductPut(product, "Tea", Decimal(7), "EUR"), key="x")
        foreign = replace(message, body=message.body.replace(b'"7"', f'"{price}"'.encode()))
        await self.broker.publish([foreign])
        self.sent += 1

    async def settled(self, worker: Worker) -> None:
        """Wait until the agent has handled all that was told."""
        await until(lambda: self._is_settled(worker))

    async def _is_settled(self, worker: Worker) -> bool:
        (status,) = worker.status()
        return status.handled + status.dead >= self.sent

    async def reservation(self, order: int) -> Reservation | None:
        return await self.views.of(app.id, reservations).get((MAIN, UUID(int=order)))

    async def holds(self) -> dict[Hold, int]:
        """How many reservations there are in each status."""
        page = await self.views.of(app.id, reservations).query(limit=1_000)
        found = [each.status for _, each in page.items]
        return {status: found.count(status) for status in Hold if status in found}

    async def pieces(self, product: UUID) -> tuple[int, int]:
        """(on hand, reserved)."""
        row = await self.views.of(app.id, stock).get((MAIN, product)) or Stock(product)
        return row.on_hand, row.reserved

    async def told(self) -> list[str]:
        """The types of what was told, in order."""
        return [type for type, _ in await self._events()]

    async def said(self, kind: type[Record]) -> list[Record]:
        """What was told of one kind."""
        return [msgspec.json.decode(body, type=kind) for type, body in await self._events() if type == kind.__event__]

    async def _events(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        last = (await self.broker.extent("analytics.all.events")).last
        if last < 0:
            return found
        async with self.broker.read("analytics.all.events", "first") as reader:
            async for chunk in reader:
                found += [
                    (envelope.type, envelope.body)
                    for envelope in reader.scan(chunk, 0, ())
                    if envelope.type.startswith(("inventory.", "product."))
                ]
                if chunk.first + len(chunk.raws) > last:
                    break
        return found


def created(order: int, *lines: tuple[UUID, int]) -> OrderCreated:
    """An order of these products."""
    items = [Line(product, quantity, Decimal(1)) for product, quantity in lines]
    return OrderCreated(UUID(int=order), USER, items, Decimal(9), "EUR", HOME)


def received(receipt: int, *lines: tuple[UUID, int]) -> InventoryReceive:
    """Goods of these products."""
    return InventoryReceive(UUID(int=1_000 + receipt), [StockLine(*line) for line in lines])


async def until(condition: Callable[[], Awaitable[bool]], *, within: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = asyncio.get_running_loop().time() + within
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


def virtual(test: Callable[[Stockroom], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on a stockroom of its own, in memory and virtual time."""

    def now() -> int:
        return NOON + round(asyncio.get_running_loop().time() * 1000)

    async def run() -> None:
        server = Embedded(TOPOLOGY, clock=now)
        store = MemoryStore(clock=lambda: asyncio.get_running_loop().time())
        await store.open()
        await test(Stockroom(server.connect("warren"), store, now))
        await server.close()

    @wraps(test)
    def in_virtual_time() -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(run())

    del in_virtual_time.__wrapped__  # or pytest asks for a fixture
    return in_virtual_time
