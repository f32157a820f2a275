"""Tables and documents, row by row."""

import json
from typing import Any
from uuid import uuid4

import pytest

from stores.port import Commit, Put, Slot
from streams import App, Record
from streams.codec import encode
from tests.api.shop import Shop, open_shop


async def keep(shop: Shop, service: str, partition: int = 0, **tables: dict[str, Any]) -> None:
    """Put rows into a service's tables as its agent would."""
    store = shop.stores[service]
    checkpoint = await store.acquire(Slot("test", partition), "test", 60)
    assert checkpoint is not None
    rows = {name: [(key, encode(value)) for key, value in kept.items()] for name, kept in tables.items()}
    await store.commit(Commit(checkpoint.slot, checkpoint.epoch, 1, b"", b"", 0, rows=rows))


async def get(shop: Shop, path: str, **params: str) -> Any:
    answer = await shop.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_all_tables_and_documents_are_listed_with_what_they_can_be_asked_by(shop: Shop) -> None:
    listed = {table["name"]: table for table in (await get(shop, "/api/tables"))["items"]}
    assert listed["orders"] == {"name": "orders", "service": "orders", "kind": "table", "index": ["userId", "status"]}
    assert (listed["payments"]["service"], listed["payments"]["kind"]) == ("payments", "documents")
    assert listed["revenue"]["service"] == "analytics"


async def test_rows_are_found_by_field_prefix_and_order(shop: Shop) -> None:
    orders = {f"{n}": {"userId": f"u{n % 2}", "status": "PAID"} for n in range(4)}
    await keep(shop, "orders", orders=orders)
    page = await get(shop, "/api/tables/orders", userId="u1", orderBy="status", descending="true")
    assert [row["key"] for row in page["items"]] == ["3", "1"]
    assert page["items"][0] == {"key": "3", "partition": 0, "value": {"userId": "u1", "status": "PAID"}}
    assert [row["key"] for row in (await get(shop, "/api/tables/orders", prefix="2"))["items"]] == ["2"]


async def test_pages_follow_one_another(shop: Shop) -> None:
    await keep(shop, "orders", orders={f"{n}": {} for n in range(5)})
    first = await get(shop, "/api/tables/orders", limit="3")
    second = await get(shop, "/api/tables/orders", limit="3", cursor=first["nextCursor"])
    assert [row["key"] for row in first["items"] + second["items"]] == ["0", "1", "2", "3", "4"]
    assert second["nextCursor"] is None


async def test_documents_are_read_alike(shop: Shop) -> None:
    value = {"id": "x/y", "recipient": "hazel"}
    await shop.stores["notifications"].write("notifications", [Put("x/y", encode(value), 0)])
    page = await get(shop, "/api/tables/notifications", recipient="hazel")
    assert page["items"] == [{"key": "x/y", "partition": 0, "value": value}]
    assert await get(shop, "/api/tables/notifications/x/y") == {"key": "x/y", "value": value}


async def test_the_values_of_partitions_are_listed_apart_and_read_merged(shop: Shop) -> None:
    key = "EUR|2026-01-02T00:00:00Z"
    await keep(shop, "analytics", 0, revenue={key: takings("1.50")})
    await keep(shop, "analytics", 1, revenue={key: takings("2.25")})
    rows = (await get(shop, "/api/tables/revenue"))["items"]
    assert [(row["partition"], row["value"]["amount"]) for row in rows] == [(0, "1.50"), (1, "2.25")]
    assert await get(shop, f"/api/tables/revenue/{key}") == {"key": key, "value": {"amount": "3.75", "orders": 2}}


def takings(amount: str) -> dict[str, Any]:
    return {"amount": amount, "orders": 1}


class Card(Record):
    payment_token: str
    inner: list[dict[str, Any]]


async def test_secrets_are_hidden_wherever_they_stand() -> None:
    app = App("orders")
    cards = app.Table("orders", value_type=Card, index=("userId", "paymentToken"))
    async with open_shop(tables={"orders": ("orders", cards)}) as shop:
        inner = [{"payment_token": "tok_2", "password": "x", "note": "payment_token"}]
        await keep(shop, "orders", orders={"a": {"paymentToken": "tok_1", "inner": inner}})
        hidden = {
            "paymentToken": "***",
            "inner": [{"payment_token": "***", "password": "***", "note": "payment_token"}],
        }
        assert (await get(shop, "/api/tables/orders"))["items"][0]["value"] == hidden
        assert (await get(shop, "/api/tables/orders/a"))["value"] == hidden
        listed = {table["name"]: table["index"] for table in (await get(shop, "/api/tables"))["items"]}
        assert listed["orders"] == ["userId"]
        guess = await shop.client.get("/api/tables/orders", params={"paymentToken": "tok_1"})
    assert (guess.status_code, guess.json()["code"]) == (422, "invalid_query")


async def test_numbers_come_as_they_are_kept(shop: Shop) -> None:
    store = shop.stores["notifications"]
    await store.write("notifications", [Put("n", b'{"n":123456789012345678901234567890,"d":0.10}', 0)])
    answer = await shop.client.get("/api/tables/notifications/n")
    assert b'"n":123456789012345678901234567890,"d":0.10' in answer.content


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/api/tables/order", "did you mean 'orders'?"),
        ("/api/tables/warren_checkpoints", "there is no table"),
        ("/api/tables/%27%3B%20DROP%20TABLE%20orders%3B--", "there is no table"),
        ("/api/tables/orders%00", "there is no table"),
        ("/api/tables/" + "x" * 5_000 + "/y", "there is no table"),
    ],
)
async def test_a_table_that_is_not_there_is_404_with_the_nearest_name(shop: Shop, path: str, hint: str) -> None:
    answer = await shop.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "table_not_found")
    assert hint in answer.json()["detail"]
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("key", ["nope", "a%00b", "%00", "x" * 5_000, "%27%20OR%201=1", "a/b/c", "%F0%9F"])
async def test_a_key_that_is_not_there_is_404(shop: Shop, key: str) -> None:
    answer = await shop.client.get(f"/api/tables/orders/{key}")
    assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")


@pytest.mark.parametrize(
    "query",
    [
        "total=1",
        "userid=1",
        "status=PAID&status=PENDING",
        "orderBy=total",
        "orderBy=status;DROP",
        "cursor=abc",
        "cursor=%00",
        "cursor=" + "Q" * 3_999,
        "prefix=%00",
        "userId=%00",
        "limit=0",
        "limit=1001",
        "limit=x",
        "descending=perhaps",
        "prefix=" + "x" * 2_000,
    ],
)
async def test_a_query_that_cannot_be_asked_is_422(shop: Shop, query: str) -> None:
    answer = await shop.client.get(f"/api/tables/orders?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"invalid_query", "invalid_request"}


async def test_a_cursor_of_another_query_is_422(shop: Shop) -> None:
    await keep(shop, "orders", orders={str(uuid4()): {"status": "PAID"} for _ in range(3)})
    cursor = (await get(shop, "/api/tables/orders", limit="1"))["nextCursor"]
    answer = await shop.client.get("/api/tables/orders", params={"status": "PAID", "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_query")


async def test_answers_are_json_of_rows_as_documented(shop: Shop) -> None:
    answer = await shop.client.get("/api/tables/orders")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content) == {"items": [], "nextCursor": None}
