"""A whole run, from the outside: nothing secret stands in logs, spans, tables, messages and records afterwards; what is
sent as SQL or as a template stays a text; and one trace shows all that an order went through."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.api.shop import ADDRESS, until
from tests.staff import PASSWORD as STAFF_PASSWORD
from tests.staff import make_admin, staff
from tests.warren.collector import Collected, collecting

PASSWORD = "silflay at dusk 7319"
NEXT_PASSWORD = "silflay at dawn 9173"
CARD = "tok_4242424242424242"
NOT_OURS = {"provider.db"}
"""The books of the payment provider, whom tokens are made for."""
INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE orders; --",
    '" OR ""="',
    "%' UNION SELECT key, value, value FROM users --",
    "{{ 7*191 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${7*191}",
)


@contextmanager
def running(data: Path, traces: str) -> Iterator[tuple[str, list[str]]]:
    """The shop in a process of its own: its address, and what it has logged once it has ended."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("WARREN_")}
    settings = {"DATA": str(data), "LOG_FORMAT": "json", "LOG_LEVEL": "debug", "RATE_LIMIT": "0", "TRACES": traces}
    env = {**own, **{f"WARREN_{name}": value for name, value in settings.items()}}
    make_admin(env)
    logged: list[str] = []
    with open(data / "stderr", "w+") as told:
        process = subprocess.Popen([sys.executable, "-m", "warren", "run", "--port", "0"], env=env, stderr=told)
        try:
            yield address(process, data / "stderr"), logged
        finally:
            process.terminate()
            assert process.wait(30) == 0
    logged += (data / "stderr").read_text().splitlines()
    (data / "stderr").unlink()


def address(process: "subprocess.Popen[bytes]", told: Path) -> str:
    while process.poll() is None:
        for line in told.read_text().splitlines():
            if line.startswith("serving "):
                return line.removeprefix("serving ").strip()
        time.sleep(0.05)
    raise AssertionError(told.read_text())


def test_no_password_token_or_card_number_is_found_after_a_full_run(tmp_path: Path) -> None:
    with collecting() as collector, running(tmp_path, collector.url) as (url, logged):
        secrets = [PASSWORD, NEXT_PASSWORD, CARD, *asyncio.run(a_day(url))]
    assert_a_trace_shows_an_order(collector.spans)
    assert len(logged) > 20
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name not in NOT_OURS}
    assert kept
    for secret in secrets:
        assert not [line for line in logged if secret in line]
        assert not [path for path, content in kept.items() if secret.encode() in content]
        assert not [body for body in collector.bodies if secret.encode() in body]


def assert_a_trace_shows_an_order(spans: list[Collected]) -> None:
    """From the request to the last of the services, each span but the first has its parent in the trace."""
    (request,) = [span for span in spans if span.name == "POST /api/orders" and children(span, spans)]
    assert request.parent == b""
    trace = [span for span in spans if span.trace == request.trace]
    assert {span.parent for span in trace} - {b""} <= {span.id for span in trace}
    assert {span.service for span in trace} == {
        "gateway",
        "orders",
        "inventory",
        "payments",
        "analytics",
        "notifications",
    }
    assert {"orders process order.place", "inventory process order.created"} <= {span.name for span in trace}


def children(parent: Collected, spans: list[Collected]) -> list[Collected]:
    return [span for span in spans if span.parent == parent.id]


async def a_day(url: str) -> list[str]:
    """What buyers and attackers do. Gives all tokens that were seen."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        admin = await staff(client)
        tokens = await a_buyer_s_day(client, admin)
        client.headers.update(admin)
        await attacks(client)
    return [*tokens, admin["Authorization"].removeprefix("Bearer "), STAFF_PASSWORD]


async def a_buyer_s_day(client: httpx.AsyncClient, admin: dict[str, str]) -> list[str]:
    """Register, log in and out, mistype, order and pay. Gives all tokens that were seen."""
    product = await offered(client, admin)
    account = {"email": "hazel@downs.example", "password": PASSWORD}
    assert (await client.post("/api/auth/register", json=account)).status_code == 201
    assert (await client.post("/api/auth/login", json={**account, "password": NEXT_PASSWORD})).status_code == 401
    first = (await client.post("/api/auth/login", json=account)).json()
    second = (await client.post("/api/auth/refresh", json={"refreshToken": first["refreshToken"]})).json()
    headers = {"Authorization": f"Bearer {second['accessToken']}"}
    user = (await client.get("/api/users/me", headers=headers)).json()
    await client.post(
        "/api/auth/login", content=f'{{"password": "{PASSWORD}"', headers={"Content-Type": "application/json"}
    )
    await order(client, user["id"], product, headers)
    change = {"currentPassword": PASSWORD, "newPassword": NEXT_PASSWORD}
    assert (await client.put("/api/users/me/password", json=change, headers=headers)).status_code == 200
    return [tokens[kind] for tokens in (first, second) for kind in ("accessToken", "refreshToken")]


async def offered(client: httpx.AsyncClient, admin: dict[str, str]) -> str:
    """The id of a product that there is some of."""
    id = str(uuid4())
    path = f"/api/products/{id}"
    put = await client.put(path, json={"name": "Kettle", "price": "29.90", "currency": "EUR"}, headers=admin)
    received = await client.post(f"{path}/stock", json={"receiptId": str(uuid4()), "quantity": 10}, headers=admin)
    assert (put.status_code, received.status_code) == (202, 202), put.text + received.text

    async def there() -> bool | None:
        answer = await client.get(path)
        return (answer.status_code == 200 and answer.json()["available"] == 10) or None

    await until(there, within=60)
    return id


async def order(client: httpx.AsyncClient, user: str, product: str, headers: dict[str, str]) -> None:
    body: dict[str, Any] = {
        "userId": user,
        "items": [{"productId": product, "quantity": 1}],
        "currency": "EUR",
        "shippingAddress": ADDRESS,
        "paymentToken": CARD,
    }
    keyed = {**headers, "Idempotency-Key": str(uuid4())}
    assert (await client.post("/api/orders", json={**body, "currency": "euro"}, headers=keyed)).status_code == 422
    placed = await client.post("/api/orders", json=body, headers=keyed)
    assert placed.status_code == 202, placed.text

    async def ended() -> bool | None:
        answer = await client.get(placed.headers["location"], headers=headers)
        return (answer.status_code == 200 and answer.json()["status"] == "PAID") or None

    await until(ended, within=60)


async def attacks(client: httpx.AsyncClient) -> None:
    """SQL and template injection, wherever a text goes in."""
    everything = len((await client.get("/api/tables/orders")).json()["items"])
    for text in INJECTIONS:
        found = await client.get("/api/tables/orders", params={"prefix": text})
        assert found.json()["items"] == [], text
        found = await client.get("/api/tables/orders", params={"status": text})
        assert found.json()["items"] == [], text
        for wrong in ({"orderBy": text}, {"cursor": text}, {text: "x"}):
            assert (await client.get("/api/tables/orders", params=wrong)).status_code == 422, text
        assert (await client.get(f"/api/tables/{httpx.QueryParams({'': text})}")).status_code == 404
    # Each of these costs the hash of a password.
    for text in INJECTIONS[::3]:
        answer = await client.post("/api/auth/login", json={"email": text, "password": text})
        assert answer.status_code in {401, 422, 429}
        name = {"email": f"u{abs(hash(text))}@downs.example", "password": PASSWORD, "profile": {"firstName": text}}
        made = await client.post("/api/auth/register", json=name)
        assert made.json()["profile"]["firstName"] == text
    assert len((await client.get("/api/tables/orders")).json()["items"]) == everything
    told = await client.get("/outbox/letters")
    assert "1337" not in told.text
    assert "&lt;class" not in told.text
