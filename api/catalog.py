"""The products on offer, and what they cost."""

from collections.abc import Iterable
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from uuid import UUID

import msgspec


class Product(msgspec.Struct, frozen=True):
    """One product; `price` is that of one, in `currency` (ISO 4217)."""

    id: UUID
    name: str
    price: Decimal
    currency: str


class Catalog:
    """Products by id."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = {product.id: product for product in products}

    def products(self) -> list[Product]:
        """All of them, as the catalog lists them."""
        return list(self._products.values())

    def find(self, id: UUID) -> Product | None:
        """The product of that id; None if there is none."""
        return self._products.get(id)


def load_catalog(source: Traversable | None = None) -> Catalog:
    """The catalog that comes with this package, or another JSON file of the same form."""
    text = (source or files("api") / "catalog.json").read_bytes()
    return Catalog(msgspec.json.decode(text, type=list[Product]))
