"""From a request to what agents make of it."""

from datetime import UTC, datetime
from typing import Any

from tests.api.shop import USER, Shop, until


async def test_an_order_that_is_placed_gets_paid_and_counts_as_revenue(working_shop: Shop) -> None:
    placed = await working_shop.place()
    assert placed.status_code == 202
    assert placed.json()["status"] == "PENDING"
    paid = await working_shop.paid(placed.headers["location"])
    assert (paid["status"], paid["paymentStatus"], paid["total"]) == ("PAID", "CAPTURED", "74.00")
    revenue = await until(lambda: _revenue(working_shop))
    today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")
    assert revenue["total"] == "74.00"
    assert revenue["buckets"] == [{"start": today, "amount": "74.00", "orders": 1}]


async def test_an_order_placed_twice_counts_once(working_shop: Shop) -> None:
    first, again = await working_shop.place(), await working_shop.place()
    assert first.json() == again.json()
    await working_shop.paid(first.headers["location"])
    late = await working_shop.place()
    assert (late.status_code, late.json()) == (202, first.json())
    assert (await until(lambda: _revenue(working_shop)))["total"] == "74.00"
    orders = await working_shop.client.get("/api/orders", params={"userId": str(USER)})
    assert len(orders.json()["items"]) == 1


async def test_a_declined_payment_ends_the_order_and_is_told_to_the_user(working_shop: Shop) -> None:
    placed = await working_shop.place(paymentToken="tok_decline")
    ended = await working_shop.paid(placed.headers["location"])
    assert ended["status"] == "PAYMENT_FAILED"
    history = await working_shop.client.get(placed.headers["location"] + "/history")
    assert [step["status"] for step in history.json()["items"]] == ["PENDING", "RESERVED", "PAYMENT_FAILED"]
    told = await until(lambda: _told(working_shop, 2))
    assert {one["template"] for one in told} == {"order_received", "order_payment_failed"}


async def _revenue(shop: Shop) -> dict[str, Any] | None:
    body: dict[str, Any] = (await shop.client.get("/api/analytics/revenue", params={"currency": "EUR"})).json()
    return body if body["buckets"] else None


async def _told(shop: Shop, count: int) -> list[dict[str, Any]] | None:
    page = await shop.client.get("/api/notifications", params={"recipient": str(USER)})
    items: list[dict[str, Any]] = page.json()["items"]
    return items if len(items) == count else None
