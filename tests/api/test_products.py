"""The catalog."""

from decimal import Decimal
from uuid import uuid4

from api.catalog import load_catalog
from tests.api.shop import BASKET, Shop


def test_every_product_has_an_id_of_its_own_and_a_price_in_cents() -> None:
    products = load_catalog().products()
    assert len({product.id for product in products}) == len(products) > 10
    assert all(product.price == product.price.quantize(Decimal("0.01")) >= 0 for product in products)


async def test_products_are_listed_with_prices_as_texts(shop: Shop) -> None:
    page = (await shop.client.get("/api/products")).json()
    assert page["nextCursor"] is None
    assert page["items"][0] == {"id": BASKET, "name": "Carrot basket", "price": "12.50", "currency": "EUR"}


async def test_one_product_is_read_by_its_id(shop: Shop) -> None:
    assert (await shop.client.get(f"/api/products/{BASKET}")).json()["name"] == "Carrot basket"
    missing = await shop.client.get(f"/api/products/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "product_not_found")
