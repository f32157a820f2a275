"""All services of the shop in this process, on the embedded broker, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from agents.inventory.events import MAIN, InventoryReceive, ProductPut, StockLine
from agents.inventory.tables import Stock, stock
from agents.inventory.terms import Terms
from agents.inventory.terms import terms as shop_terms
from agents.orders.events import Address, Line, OrderPlace
from agents.orders.order import Order
from agents.orders.tables import orders
from agents.payments.provider.port import Answer, Operation
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from agents.registry import load
from stores.memory import MemoryStore
from stores.port import Store
from streams import App, Publisher, Record, Views, Worker
from streams.broker import Broker
from streams.embedded import Embedded
from tests.virtual import in_virtual_time
from topology.load import load_shop

HOME = Address("A", "1 Street", "Town", "1000", "NL")
NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
USER, PRODUCT = UUID(int=99), UUID(int=7)


class Market:
    """The services, and what tests do with them. There are ten pieces of one product."""

    def __init__(self, broker: Broker, apps: list[App], stores: dict[str, Store], now: Callable[[], int]) -> None:
        self.broker = broker
        self.apps = apps
        self.stores = stores
        self.views = Views(stores)
        topology = load_shop()
        self._publisher = Publisher(broker, topology, service="gateway", now=now, ids=Random(0))
        self.worker = Worker(apps, broker=broker, stores=stores, topology=topology, now=now, ids=Random(1))

    async def start(self) -> None:
        for app in self.apps:
            await self.stores[app.id].open()
            await self.stores[app.id].apply(app.specs())
        await self.worker.start()
        await self.tell(ProductPut(PRODUCT, "Basket", Decimal("10.00"), "EUR"), MAIN)
        await self.tell(InventoryReceive(UUID(int=1), [StockLine(PRODUCT, 10)]), MAIN)

    async def tell(self, command: Record, key: UUID | str) -> None:
        """Publish a command as the HTTP edge does."""
        await self._publisher.publish([self._publisher.record("commands", command, key=str(key))])

    async def stocked(self, product: UUID, pieces: int) -> None:
        """Offer another product, and receive so many pieces of it."""
        await self.tell(ProductPut(product, "Lamp", Decimal("10.00"), "EUR"), MAIN)
        await self.tell(InventoryReceive(UUID(int=product.int), [StockLine(product, pieces)]), MAIN)

    async def place(
        self, number: int, token: str = "tok_ok", price: str = "10.00", quantity: int = 1, product: UUID = PRODUCT
    ) -> UUID:
        """Place an order; its id follows from its number."""
        id = UUID(int=number)
        lines = [Line(product, quantity, Decimal(price))]
        await self.tell(OrderPlace(id, USER, lines, "EUR", token, HOME), id)
        return id

    async def find(self, id: UUID) -> Order | None:
        """An order as it stands."""
        return await self.views.of("orders", orders).get(id)

    async def order(self, id: UUID) -> Order:
        """An order that is there."""
        order = await self.find(id)
        assert order is not None
        return order

    async def until(self, id: UUID, status: str, *, within: float = 600.0, passed: bool = False) -> Order:
        """The order, once it has this status; `passed`: or has had it."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            order = await self.find(id)
            if order is not None and status in ([step.status for step in order.history] if passed else [order.status]):
                return order
            seen = order and [str(step.status) for step in order.history]
            assert asyncio.get_running_loop().time() < deadline, f"not {status} within {within} s: {seen}"
            await asyncio.sleep(0.05)

    async def stock(self, product: UUID = PRODUCT) -> tuple[int, int]:
        """Pieces on hand, and how many of them are reserved."""
        found: Stock | None = await self.views.of("inventory", stock).get((MAIN, product))
        assert found is not None
        return found.on_hand, found.reserved

    async def told(self) -> list[str]:
        """The types of all events of the shop, in order, each once."""
        log = "analytics.all.events"
        end, found = (await self.broker.extent(log)).last, dict[str, str]()
        async with self.broker.read(log, "first") as reader:
            async for chunk in reader:
                found |= {envelope.id: envelope.type for envelope in reader.scan(chunk, chunk.first, frozenset())}
                if chunk.first + len(chunk.raws) > end:
                    break
        return list(found.values())


class SlowProvider:
    """A provider that does what it is asked at once, and takes its time to say so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.simulator = Simulator()

    async def ask(self, key: str, operation: Operation) -> Answer:
        answer = await self.simulator.ask(key, operation)
        await asyncio.sleep(self.seconds)
        return answer

    async def look_up(self, key: str) -> Answer:
        return await self.simulator.look_up(key)


class Tardy:
    """A provider that does what it is asked at once, and says of some orders only when it is let go."""

    def __init__(self, *orders: UUID) -> None:
        self.simulator = Simulator()
        self._silent = {f"{order}:authorize": asyncio.Event() for order in orders}

    def let_go(self) -> None:
        for silent in self._silent.values():
            silent.set()

    async def ask(self, key: str, operation: Operation) -> Answer:
        answer = await self.simulator.ask(key, operation)
        if key in self._silent:
            await self._silent[key].wait()
        return answer

    async def look_up(self, key: str) -> Answer:
        return await self.simulator.look_up(key)


@asynccontextmanager
async def opened(terms: Terms) -> AsyncIterator[Market]:
    """A market at work."""
    loop = asyncio.get_running_loop()

    def now() -> int:
        return NOON + round(loop.time() * 1000)

    server = Embedded(load_shop(), clock=now)
    apps = load()
    market = Market(server.connect("warren"), apps, {app.id: MemoryStore() for app in apps}, now)
    with till.served_by(Simulator()), shop_terms.on(terms):
        await market.start()
        yield market
        await market.worker.stop()
    await server.close()


def on_the_market(
    *, hold: timedelta = timedelta(minutes=15)
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Run a test on a market of its own, in virtual time; `hold`: how long reservations are held. Its first parameter
    is the market."""

    return in_virtual_time(lambda: opened(Terms(hold=hold)))
