"""A whole shop in this process for one test: broker, stores, agents, edge, and a client of it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID

import httpx

from agents.inventory.events import MAIN
from agents.inventory.tables import Offer, Stock, products, stock
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from agents.registry import load
from api.app import create_app
from api.declared import documents_of, records_of, tables_of
from api.edge import Edge
from stores.memory import MemoryStore
from stores.port import Commit, Slot
from streams import App, Publisher, Views, Worker
from streams.broker import Broker, Message
from streams.codec import encode
from streams.embedded import Break, Embedded, Fate
from streams.keys import encode_key
from topology.load import load_shop
from topology.spec import Topology
from warren.catalog import demo_products

T = TypeVar("T")

USER = UUID("5f0c2c39-6f0e-4d8c-9d7f-2c9b1b1f0a01")
BASKET = "665e9155-c89c-556e-847d-843bc9d0c4a3"
"""12.50 EUR."""
LAMP = "b2d71bc8-1658-5283-a362-fda8079bd7db"
"""49.00 EUR."""
BOOTS = "a080f905-ece7-5985-94d4-38fcca0b6344"
"""119.00 USD."""
SHOP = load_shop()
ADDRESS = {"name": "Hazel", "line1": "1 Burrow", "city": "Downs", "postalCode": "W1", "country": "GB"}
ACTIVITY = "/api/events/user.events/user.activity.product_viewed"


UNDER_WAY = {"PENDING", "RESERVED", "AUTHORIZED", "CAPTURING"}
"""Orders of these go on by themselves."""


@dataclass
class Weather:
    """What becomes of messages that the edge publishes: KEPT unless a test says otherwise, one after another."""

    fates: list[Fate] = field(default_factory=list)
    always: Fate = Fate.KEPT
    seen: list[Message] = field(default_factory=list)

    def publishing(self, user: str, message: Message) -> Fate:
        if user != "gateway":
            return Fate.KEPT
        self.seen.append(message)
        return self.fates.pop(0) if self.fates else self.always

    def delivering(self, target: str) -> Break | None:
        return None


@dataclass(frozen=True)
class Shop:
    """Its parts, for tests to look at."""

    edge: Edge
    client: httpx.AsyncClient
    embedded: Embedded
    broker: Broker
    weather: Weather
    stores: dict[str, MemoryStore]

    async def place(self, key: str = "key-1", **changes: Any) -> httpx.Response:
        """Place an order."""
        return await self.client.post("/api/orders", json=order(**changes), headers={"Idempotency-Key": key})

    async def paid(self, location: str) -> dict[str, Any]:
        """The order, once it is paid."""
        return await until(lambda: self._finished(location))

    async def _finished(self, location: str) -> dict[str, Any] | None:
        answer = await self.client.get(location)
        body: dict[str, Any] = answer.json()
        return body if answer.status_code == 200 and body["status"] not in UNDER_WAY else None

    async def first_seen(self) -> Message | None:
        """The first message that the edge has published."""
        return self.weather.seen[0] if self.weather.seen else None

    async def log(self, name: str) -> list[dict[str, Any]]:
        """What a log holds: type, id, key, time, body, headers, correlation id."""
        last = (await self.broker.extent(name)).last
        found: list[dict[str, Any]] = []
        async with self.broker.read(name, "first") as reader:
            while len(found) <= last:
                chunk = await anext(reader)
                for envelope in reader.scan(chunk, 0, ()):
                    details = reader.details(envelope)
                    found.append(
                        {
                            "type": envelope.type,
                            "id": envelope.id,
                            "key": envelope.key,
                            "time": envelope.time,
                            "body": envelope.body,
                            "headers": details.headers,
                            "correlation": details.correlation_id,
                        }
                    )
        return found


def order(**changes: Any) -> dict[str, Any]:
    """A request for two baskets and a lamp: 74.00 EUR."""
    usual = {
        "userId": str(USER),
        "items": [{"productId": BASKET, "quantity": 2}, {"productId": LAMP, "quantity": 1}],
        "currency": "EUR",
        "shippingAddress": ADDRESS,
        "paymentToken": "tok_visa",
    }
    return {**usual, **changes}


@asynccontextmanager
async def open_shop(
    *, work: bool = False, topology: Topology = SHOP, broker: Broker | None = None, **changes: Any
) -> AsyncIterator[Shop]:
    """A shop; `work` lets its agents run, `broker` is the edge's own, `changes` are fields of its edge."""
    apps, weather = load(), Weather()
    embedded = Embedded(topology, faults=weather)
    if broker is None:
        broker = embedded.connect("gateway")
        await broker.open()
    stores = await _stores(apps)
    worker = _worker(apps, embedded, stores, topology) if work else None
    edge = replace(_edge(apps, broker, stores, topology), **changes)
    if worker is not None:
        edge = replace(edge, status=worker.status)
        await worker.start()
    transport = httpx.ASGITransport(create_app(edge), raise_app_exceptions=False)
    with till.served_by(Simulator()):
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            yield Shop(edge, client, embedded, broker, weather, stores)
    if worker is not None:
        await worker.stop()
    await embedded.close()


def _worker(apps: Sequence[App], embedded: Embedded, stores: dict[str, MemoryStore], topology: Topology) -> Worker:
    return Worker(
        apps, broker=embedded.connect("worker"), stores=stores, topology=topology, now=now, ids=random.Random(2)
    )


async def _stores(apps: Sequence[App]) -> dict[str, MemoryStore]:
    stores = {app.id: MemoryStore() for app in apps}
    for app in apps:
        await stores[app.id].open()
        await stores[app.id].apply(app.specs())
    await _fill_shelves(stores["inventory"])
    return stores


async def _fill_shelves(store: MemoryStore) -> None:
    """The demo's products, as if they had come through the log."""
    slot = Slot("inventory")
    checkpoint = await store.acquire(slot, "before", 60)
    assert checkpoint is not None
    rows: dict[str, list[tuple[str, bytes | None]]] = {products.name: [], stock.name: []}
    for product in demo_products():
        key = encode_key((MAIN, product.id))
        offer = Offer(product.id, product.name, product.price, product.currency)
        rows[products.name].append((key, encode(offer)))
        rows[stock.name].append((key, encode(Stock(product.id, on_hand=product.available))))
    await store.commit(Commit(slot, checkpoint.epoch, -1, b"", b"", 0, rows=rows))
    await store.release(slot, checkpoint.epoch)
    await store.heartbeat("before", 0)


def _edge(apps: Sequence[App], broker: Broker, stores: dict[str, MemoryStore], topology: Topology) -> Edge:
    ids = random.Random(1)
    return Edge(
        broker=broker,
        publisher=Publisher(broker, topology, service="gateway", now=now, ids=ids),
        views=Views(stores),
        topology=topology,
        now=now,
        ids=ids,
        health=broker.health,
        status=list,
        tables=tables_of(apps),
        documents=documents_of(apps),
        records=records_of(apps),
        patience=60.0,
    )


def now() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


async def until(ask: Callable[[], Awaitable[T | None]], within: float = 60.0) -> T:
    """What `ask` gives, once it gives something."""
    async with asyncio.timeout(within):
        while True:
            found = await ask()
            if found is not None:
                return found
            await asyncio.sleep(0.01)
