"""The shop's HTTP edge, and people who come to it, each from an address of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import UUID

import httpx
from starlette.types import ASGIApp

from api.app import create_app
from api.declared import documents_of, records_of, tables_of
from api.edge import Edge
from api.gateway import Gateway
from streams import Publisher
from tests.shop.invariants.edge import MOST
from tests.shop.invariants.evidence import Admission, Request
from tests.shop.place import Shop

TOO_MANY: Final = 429
HOME: Final = {"name": "A. Buyer", "line1": "1 High Street", "city": "Town", "postalCode": "1000", "country": "NL"}


@dataclass(slots=True)
class Front:
    """What came in at the door, and was let in."""

    app: ASGIApp
    requests: list[Request] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)

    @asynccontextmanager
    async def visitor(self, address: str) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody who comes from there."""
        transport = httpx.ASGITransport(self.app, client=(address, 5_000))

        async def admitted(response: httpx.Response) -> None:
            if response.status_code != TOO_MANY:
                self.admissions.append(Admission(address, asyncio.get_running_loop().time()))

        hooks = {"response": [admitted]}
        async with httpx.AsyncClient(transport=transport, base_url="http://shop", event_hooks=hooks) as client:
            yield client

    async def order(self, client: httpx.AsyncClient, user: UUID, product: UUID, key: str, token: str) -> httpx.Response:
        """One piece of it."""
        body: dict[str, Any] = {
            "userId": str(user),
            "items": [{"productId": str(product), "quantity": 1}],
            "currency": "EUR",
            "shippingAddress": HOME,
            "paymentToken": token,
        }
        answer = await client.post("/api/orders", json=body, headers={"Idempotency-Key": key})
        if answer.is_success:
            self.requests.append(Request(str(user), key, answer.json()["id"]))
        return answer


def front(shop: Shop) -> Front:
    """The door of a shop."""
    ids = Random(3)
    publisher = Publisher(shop.server.connect("gateway"), shop.topology, service="gateway", now=shop.now, ids=ids)
    edge = Edge(
        broker=shop.broker,
        publisher=publisher,
        views=shop.views,
        topology=shop.topology,
        now=shop.now,
        ids=ids,
        health=shop.broker.health,
        status=shop.worker.status,
        tables=tables_of(shop.apps),
        documents=documents_of(shop.apps),
        records=records_of(shop.apps),
        gateway=Gateway(requests_per_minute=MOST),
    )
    return Front(create_app(edge))
