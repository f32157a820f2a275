"""The thin shop, end to end on the embedded broker, in virtual time."""

import asyncio
import json
from decimal import Decimal
from random import Random
from uuid import UUID

from agents.analytics.tables import revenue
from agents.analytics.takings import Takings
from agents.notifications.tables import notifications
from agents.orders.events import Address, Line, OrderPlace
from agents.orders.tables import Order, orders
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from agents.registry import load
from stores.memory import MemoryStore
from streams import Publisher, Views, Worker
from streams.embedded import Embedded
from streams.graph import check
from streams.testing.virtual_time import VirtualTimeLoop
from topology.load import load_shop

HOME = Address("A", "1 Street", "Town", "1000", "NL")
NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""


def test_what_the_agents_declare_fits_the_topology() -> None:
    check(load(), load_shop())


def test_orders_flow_through_to_the_revenue() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_orders_flow())


async def _orders_flow() -> None:
    shop = Shop()
    with till.served_by(Simulator()):
        await _orders_flow_through(shop)


async def _orders_flow_through(shop: "Shop") -> None:
    await shop.start()
    await shop.place(1, "tok_ok", "10.00")
    await shop.place(2, "tok_decline", "99.00")
    await shop.place(3, "tok_flaky", "0.50")
    await shop.place(4, "tok_ok", "0.00")
    await shop.place(1, "tok_ok", "10.00")
    await asyncio.sleep(30)
    assert [await shop.status(n) for n in (1, 2, 3, 4)] == ["PAID", "PAYMENT_FAILED", "PAID", "PAID"]
    view = shop.views.of("analytics", revenue)
    assert (await view.query()).items == [("EUR|2026-01-01T00:00:00Z", Takings(Decimal("10.50"), 2))]
    told = await shop.stores["notifications"].query(notifications.name)
    templates = sorted(json.loads(row.value)["template"] for row in told.rows)
    assert templates == ["order_paid"] * 3 + ["order_payment_failed"] + ["order_received"] * 4
    assert (await shop.broker.extent("dead.letters")).last == -1
    await shop.worker.stop()
    await shop.server.close()


class Shop:
    """All services in memory."""

    def __init__(self) -> None:
        topology = load_shop()
        self.server = Embedded(topology, clock=self.now)
        self.broker = self.server.connect("warren")
        self.apps = load()
        self.stores = {app.id: MemoryStore() for app in self.apps}
        self.views = Views(self.stores)
        self.publisher = Publisher(self.broker, topology, service="gateway", now=self.now, ids=Random(0))
        self.worker = Worker(
            self.apps, broker=self.broker, stores=self.stores, topology=topology, now=self.now, ids=Random(1)
        )

    def now(self) -> int:
        return NOON + round(asyncio.get_running_loop().time() * 1000)

    async def start(self) -> None:
        for app in self.apps:
            await self.stores[app.id].open()
            await self.stores[app.id].apply(app.specs())
        await self.worker.start()

    async def place(self, number: int, token: str, price: str) -> None:
        order = OrderPlace(UUID(int=number), UUID(int=99), [Line(UUID(int=7), 1, Decimal(price))], "EUR", token, HOME)
        await self.publisher.publish([self.publisher.record("commands", order, key=str(UUID(int=number)))])

    async def status(self, number: int) -> str:
        order: Order | None = await self.views.of("orders", orders).get(UUID(int=number))
        assert order is not None
        return str(order.status)
