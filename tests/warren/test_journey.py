"""A buyer's whole journey over HTTP alone: the shop on RabbitMQ and PostgreSQL, a provider of its own, and mail."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from streams.rabbitmq import RabbitMQ
from tests.api.shop import ADDRESS, until
from tests.prove.edge import prepared
from tests.replay.command import Command, neutral
from tests.servers.address import RabbitMQ as Address
from tests.servers.guard import Guard
from tests.shop.collecting import logs_of
from tests.staff import PASSWORD as STAFF_PASSWORD
from tests.staff import make_admin, staff
from tests.warren.postbox import Postbox, postbox
from topology.load import load_shop

EMAIL = "clover@downs.example"
PASSWORD = "flayrah under the hedge 4471"
CARD = "tok_4242424242424242"
PRICE, DENT = Decimal("29.90"), Decimal("9.90")
SOON = 60.0
"""Seconds within which everything happens, on a busy machine too."""


@dataclass(frozen=True)
class Town:
    """All processes, and what they use."""

    shop: Command
    provider: Command
    url: str
    broker: RabbitMQ
    database: str
    postbox: Postbox


@pytest.fixture
async def town(rabbitmq_vhost: Address, postgres: str, tmp_path: Path) -> AsyncIterator[Town]:
    """The shop, prepared and at work, with a virtual host and a database of its own."""
    async with AsyncExitStack() as stack:
        guard = Guard()
        stack.callback(guard.close)
        broker = await stack.enter_async_context(prepared(rabbitmq_vhost))
        database = await stack.enter_async_context(own_database(postgres))
        mails = await stack.enter_async_context(postbox())
        where = {"WARREN_DATA": str(tmp_path)}
        provider = stack.enter_context(Command(guard, ["provider", "--port", "0"], where))
        settings = {
            **where,
            "WARREN_BROKER": rabbitmq_vhost.amqp,
            "WARREN_STREAM": rabbitmq_vhost.stream,
            "WARREN_MANAGEMENT": rabbitmq_vhost.management,
            "WARREN_STORE": database,
            "WARREN_PROVIDER": await asyncio.to_thread(provider.serves, within=SOON),
            "WARREN_SMTP": mails.url,
            "WARREN_SEAL_KEYS": b64encode(bytes(range(32))).decode(),
            "WARREN_RATE_LIMIT": "0",
            "WARREN_LOG_FORMAT": "json",
            "WARREN_LOG_LEVEL": "debug",
        }
        await asyncio.to_thread(prepare, guard, settings)
        shop = stack.enter_context(Command(guard, ["run", "--port", "0"], settings))
        url = await asyncio.to_thread(shop.serves, within=SOON)
        yield Town(shop, provider, url, broker, database, mails)


@asynccontextmanager
async def own_database(postgres: str) -> AsyncIterator[str]:
    name = f"test_{uuid4().hex}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    yield f"{postgres.rpartition('/')[0]}/{name}"
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


def prepare(guard: Guard, settings: dict[str, str]) -> None:
    """What operators do before the first start."""
    with Command(guard, ["stores", "apply"], settings) as done:
        assert done.ends(within=SOON) == 0, done.report("it failed")
    make_admin({**neutral(), **settings})


@pytest.mark.timeout(400)
async def test_a_buyer_goes_all_the_way_over_http_and_leaves_no_secret_behind(town: Town) -> None:
    async with httpx.AsyncClient(base_url=town.url, timeout=SOON) as client:
        admin = await staff(client)
        await offer(client, admin)
        tokens, user, headers = await come_in(client)
        product = await browse(client)
        kept = await buy(client, user, product, headers)
        given_up = await buy(client, user, product, headers)
        await cancel(client, given_up, headers)
        await refund(client, kept, headers, admin)
        await hear(client, town.postbox, headers)
        await taken(client, admin)
    secrets = [*tokens, admin["Authorization"].removeprefix("Bearer "), PASSWORD, STAFF_PASSWORD, CARD]
    for place, text in (await everything(town)).items():
        assert text, f"{place} is empty"
        assert not [secret for secret in secrets if secret in text], place


async def offer(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    path = f"/api/products/{uuid4()}"
    put = await client.put(path, json={"name": "Kettle", "price": str(PRICE), "currency": "EUR"}, headers=admin)
    stock = await client.post(f"{path}/stock", json={"receiptId": str(uuid4()), "quantity": 10}, headers=admin)
    assert (put.status_code, stock.status_code) == (202, 202), put.text + stock.text


async def come_in(client: httpx.AsyncClient) -> tuple[list[str], str, dict[str, str]]:
    """Register and log in: the tokens, the user's id, the header."""
    account = {"email": EMAIL, "password": PASSWORD}
    registered = await client.post("/api/auth/register", json=account)
    assert registered.status_code == 201, registered.text
    pair = (await client.post("/api/auth/login", json=account)).json()
    again = (await client.post("/api/auth/refresh", json={"refreshToken": pair["refreshToken"]})).json()
    tokens = [each[kind] for each in (pair, again) for kind in ("accessToken", "refreshToken")]
    return tokens, registered.json()["id"], {"Authorization": f"Bearer {again['accessToken']}"}


async def browse(client: httpx.AsyncClient) -> str:
    """The product that there is, for whoever comes."""

    async def there() -> str | None:
        items = (await client.get("/api/products")).json()["items"]
        return items[0]["id"] if items and items[0]["available"] == 10 else None

    return await until(there, within=SOON)


async def buy(client: httpx.AsyncClient, user: str, product: str, headers: dict[str, str]) -> str:
    """Order one, and see it paid: the order's address."""
    body = {
        "userId": user,
        "items": [{"productId": product, "quantity": 1}],
        "currency": "EUR",
        "shippingAddress": ADDRESS,
        "paymentToken": CARD,
    }
    keyed = {**headers, "Idempotency-Key": str(uuid4()), "Prefer": "wait=1"}
    placed = await client.post("/api/orders", json=body, headers=keyed)
    assert placed.status_code in {201, 202}, placed.text
    location = str(placed.headers["location"])
    paid = await becomes(client, location, headers, "PAID")
    assert Decimal(paid["total"]) == PRICE
    return location


async def cancel(client: httpx.AsyncClient, order: str, headers: dict[str, str]) -> None:
    answer = await client.delete(order, headers=headers)
    assert answer.status_code == 202, answer.text
    cancelled = await becomes(client, order, headers, "CANCELLED")
    assert cancelled["paymentStatus"] == "REFUNDED"


async def refund(client: httpx.AsyncClient, order: str, headers: dict[str, str], admin: dict[str, str]) -> None:
    keyed = {**admin, "Idempotency-Key": str(uuid4())}
    answer = await client.post(f"{order}/refunds", json={"amount": str(DENT), "reason": "a dent"}, headers=keyed)
    assert answer.status_code == 202, answer.text

    async def refunded() -> bool | None:
        body = (await client.get(order, headers=headers)).json()
        return True if body["paymentStatus"] == "PARTIALLY_REFUNDED" else None

    await until(refunded, within=SOON)


async def hear(client: httpx.AsyncClient, postbox: Postbox, headers: dict[str, str]) -> None:
    """Everything was told once, by mail and on the page of notifications."""
    expected = ["order_cancelled", *["order_paid"] * 2, *["order_received"] * 2, *["order_refunded"] * 2, "welcome"]

    async def told() -> list[dict[str, Any]] | None:
        items: list[dict[str, Any]] = (await client.get("/api/notifications", headers=headers)).json()["items"]
        sent = [item for item in items if item["status"] == "SENT"]
        return sent if len(sent) >= len(expected) else None

    sent = await until(told, within=SOON)
    assert sorted(item["template"] for item in sent) == expected
    assert len(postbox.subjects(EMAIL)) == len(expected)


async def taken(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    """What the shop has kept of the money."""

    async def right() -> bool | None:
        found = (await client.get("/api/analytics/revenue", params={"currency": "EUR"}, headers=admin)).json()
        return Decimal(found["total"]) == PRICE - DENT or None

    await until(right, within=SOON)


async def becomes(client: httpx.AsyncClient, order: str, headers: dict[str, str], status: str) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        answer = await client.get(order, headers=headers)
        body: dict[str, Any] = answer.json()
        return body if answer.status_code == 200 and body["status"] == status else None

    return await until(there, within=SOON)


async def everything(town: Town) -> dict[str, str]:
    """All that is left behind, as text: what processes have logged, what is on the bus, in the database, in mails."""
    return {
        "the log of the shop": town.shop.errors,
        "the messages": repr(await logs_of(load_shop(), town.broker)),
        "the database": await rows_of(town.database),
        "the mails": "\n".join(str(mail) for mail in town.postbox.mails),
    }


async def rows_of(database: str) -> str:
    connection = await asyncpg.connect(database)
    try:
        tables = await connection.fetch(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        rows = [await connection.fetch(f'SELECT t::text FROM "{schema}"."{name}" t') for schema, name in tables]
    finally:
        await connection.close()
    return "\n".join(row[0] for table in rows for row in table)
