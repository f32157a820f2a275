"""Products and stock, as requests and answers have them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from api.bodies import Body, Currency, Money, Text
from api.catalog import OnOffer


class ProductBody(Body):
    """A product; `price` is that of one, `available` is how many can be had now."""

    id: UUID
    name: str
    price: Money
    currency: str
    available: int

    @classmethod
    def of(cls, product: OnOffer) -> Self:
        """The body of a product."""
        offer = product.offer
        return cls(
            id=offer.id, name=offer.name, price=offer.price, currency=offer.currency, available=product.available
        )


class PutProduct(Body):
    """A product as it is to be offered."""

    name: Text
    price: Annotated[Money, Field(ge=0, max_digits=12, decimal_places=4)]
    currency: Currency


class ProductAccepted(Body):
    """The product's id."""

    id: UUID


class ReceiveStock(Body):
    """Pieces of a product that have arrived. The same `receiptId` for the same product counts once."""

    receipt_id: UUID
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class StockAccepted(Body):
    """The receipt's id, as it was given."""

    receipt_id: UUID
