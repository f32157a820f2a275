"""Products, and what there is of them."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from tests.api.auth_scene import AuthShop
from tests.api.shop import BASKET, BOOTS, Shop, until
from warren.catalog import demo_products

KETTLE = UUID(int=77)
PUT = {"name": "Kettle", "price": "29.90", "currency": "EUR"}


def test_every_product_of_the_demo_has_an_id_of_its_own_a_price_in_cents_and_goods() -> None:
    products = demo_products()
    assert len({product.id for product in products}) == len(products) > 10
    assert all(product.price == product.price.quantize(Decimal("0.01")) >= 0 for product in products)
    assert all(product.available > 0 for product in products)


async def test_products_are_listed_by_id_with_prices_as_texts_and_what_can_be_had(shop: Shop) -> None:
    items = (await shop.client.get("/api/products")).json()["items"]
    assert [item["id"] for item in items] == sorted(str(product.id) for product in demo_products())
    (basket,) = [item for item in items if item["id"] == BASKET]
    assert basket == {"id": BASKET, "name": "Carrot basket", "price": "12.50", "currency": "EUR", "available": 100_000}


async def test_products_come_in_pages_and_by_currency(shop: Shop) -> None:
    first = (await shop.client.get("/api/products?limit=5")).json()
    rest = (await shop.client.get(f"/api/products?cursor={first['nextCursor']}")).json()
    assert (len(first["items"]), rest["nextCursor"]) == (5, None)
    found = [item["id"] for item in [*first["items"], *rest["items"]]]
    assert found == sorted(str(product.id) for product in demo_products())
    dollars = (await shop.client.get("/api/products?currency=USD")).json()["items"]
    assert {item["currency"] for item in dollars} == {"USD"}
    assert BOOTS in {item["id"] for item in dollars}


async def test_one_product_is_read_by_its_id(shop: Shop) -> None:
    assert (await shop.client.get(f"/api/products/{BASKET}")).json()["name"] == "Carrot basket"
    missing = await shop.client.get(f"/api/products/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "product_not_found")


async def test_a_product_is_put_as_a_command(shop: Shop) -> None:
    answer = await shop.client.put(f"/api/products/{KETTLE}", json=PUT)
    assert (answer.status_code, answer.json()) == (202, {"id": str(KETTLE)})
    assert answer.headers["Location"] == f"/api/products/{KETTLE}"
    (message,) = await shop.log("inventory.commands")
    assert message["type"] == "product.put"
    put = msgspec.json.decode(message["body"], type=ProductPut)
    assert put == ProductPut(KETTLE, "Kettle", Decimal("29.90"), "EUR")


async def test_one_receipt_is_one_receipt_however_often_it_is_sent_and_another_for_another_product(shop: Shop) -> None:
    body = {"receiptId": str(uuid4()), "quantity": 3}
    for product in (KETTLE, KETTLE, BASKET):
        answer = await shop.client.post(f"/api/products/{product}/stock", json=body)
        assert (answer.status_code, answer.json()) == (202, {"receiptId": body["receiptId"]})
    commands = [
        msgspec.json.decode(message["body"], type=InventoryReceive) for message in await shop.log("inventory.commands")
    ]
    assert commands[0] == commands[1]
    assert commands[0].lines == [StockLine(KETTLE, 3)]
    assert commands[2].receipt_id != commands[0].receipt_id


@pytest.mark.parametrize(
    "change",
    [
        *({"price": price} for price in ("-1", "-0", "NaN", "1e3", "1_000", "１２", " 5 ", ".5", "1000000000", 29.9)),
        *({"price": price, "currency": currency} for price, currency in (("0.005", "EUR"), ("0.5", "JPY"))),
        *({"currency": "Euro"}, {"name": ""}),
    ],
)
async def test_what_is_no_product_is_422(shop: Shop, change: dict[str, object]) -> None:
    answer = await shop.client.put(f"/api/products/{KETTLE}", json={**PUT, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("price", "currency"), [("0", "EUR"), ("29.90", "EUR"), ("100", "JPY"), ("100.00", "JPY"), ("1.234", "KWD")]
)
async def test_a_price_is_counted_as_its_currency_is(shop: Shop, price: str, currency: str) -> None:
    answer = await shop.client.put(f"/api/products/{KETTLE}", json={**PUT, "price": price, "currency": currency})
    assert answer.status_code == 202


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "3", None])
async def test_goods_are_whole_pieces(shop: Shop, quantity: object) -> None:
    body = {"receiptId": str(uuid4()), "quantity": quantity}
    assert (await shop.client.post(f"/api/products/{KETTLE}/stock", json=body)).status_code == 422


async def test_what_is_put_and_received_can_be_ordered_at_its_price(working_shop: Shop) -> None:
    client = working_shop.client
    await client.put(f"/api/products/{KETTLE}", json=PUT)
    receipt = {"receiptId": str(uuid4()), "quantity": 3}
    await asyncio.gather(*(client.post(f"/api/products/{KETTLE}/stock", json=receipt) for _ in range(4)))
    product = await until(lambda: _with_stock(client))
    assert product == {"id": str(KETTLE), **PUT, "available": 3}
    answer = await working_shop.place(items=[{"productId": str(KETTLE), "quantity": 2}])
    assert (await working_shop.paid(answer.headers["Location"]))["total"] == "59.80"


async def _with_stock(client: httpx.AsyncClient) -> dict[str, Any] | None:
    answer = await client.get(f"/api/products/{KETTLE}")
    product: dict[str, Any] = answer.json()
    return product if answer.status_code == 200 and product["available"] else None


async def test_the_warehouse_alone_writes(guarded_shop: AuthShop) -> None:
    client = guarded_shop.client
    receipt = {"receiptId": str(uuid4()), "quantity": 3}

    async def statuses(headers: dict[str, str]) -> tuple[int, int, int]:
        return (
            (await client.get("/api/products", headers=headers)).status_code,
            (await client.put(f"/api/products/{KETTLE}", json=PUT, headers=headers)).status_code,
            (await client.post(f"/api/products/{KETTLE}/stock", json=receipt, headers=headers)).status_code,
        )

    assert await statuses({}) == (200, 401, 401)
    assert await statuses(await guarded_shop.bearer("customer")) == (200, 403, 403)
    keeper = await guarded_shop.bearer("warehouse", email="keeper@downs.example")
    assert await statuses(keeper) == (200, 202, 202)
