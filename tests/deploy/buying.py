"""What a buyer does by way of an edge, and how long that may take."""

import asyncio
import time
from typing import Final
from uuid import uuid4

import httpx
import pytest

SOON: Final = 60.0
"""Seconds within which everything happens, on a busy machine too."""


async def offered(client: httpx.AsyncClient) -> dict[str, str]:
    """A product that inventory has put, with goods that it has received."""
    path = f"/api/products/{uuid4()}"
    await client.put(path, json={"name": "Kettle", "price": "29.90", "currency": "EUR"})
    await client.post(f"{path}/stock", json={"receiptId": str(uuid4()), "quantity": 10})
    deadline = time.monotonic() + SOON
    while not (await client.get(path)).json().get("available"):
        assert time.monotonic() < deadline, "the goods never came"
        await asyncio.sleep(0.1)
    product: dict[str, str] = (await client.get(path)).json()
    return product


async def place(client: httpx.AsyncClient, user: str, product: dict[str, str], token: str) -> str:
    body = {
        "userId": user,
        "items": [{"productId": product["id"], "quantity": 1}],
        "currency": product["currency"],
        "paymentToken": token,
        "shippingAddress": {"name": "A", "line1": "1 Street", "city": "B", "postalCode": "1", "country": "NL"},
    }
    answer = await client.post("/api/orders", json=body, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["id"]
    return id


async def settled(client: httpx.AsyncClient, order: str) -> str:
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        answer = await client.get(f"/api/orders/{order}")
        status = str(answer.json().get("status"))
        if answer.status_code == 200 and status not in {"PENDING", "RESERVED", "AUTHORIZED", "CAPTURING"}:
            return status
        await asyncio.sleep(0.1)
    pytest.fail("the order was not settled")


async def eventually(client: httpx.AsyncClient, path: str, rows: int) -> None:
    deadline = time.monotonic() + SOON
    while len((await client.get(path)).json()["items"]) != rows:
        assert time.monotonic() < deadline, f"{path} never had {rows} rows"
        await asyncio.sleep(0.1)
