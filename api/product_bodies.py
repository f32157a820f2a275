"""Products and stock, as requests and answers have them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from agents.inventory.events import DEAREST
from api.bodies import Body, Currency, Money, Text
from api.catalog import OnOffer
from api.currencies import Amount, is_coin, places_of


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
    """A product as it is to be offered; its price has no more decimal places than its currency."""

    name: Text
    price: Annotated[Amount, Field(ge=0, lt=DEAREST)]
    currency: Currency

    @model_validator(mode="after")
    def _check_price(self) -> Self:
        if not is_coin(self.price, self.currency):
            places = places_of(self.currency)
            raise ValueError(f"a price in {self.currency} has at most {places} decimal places: {self.price:f} has more")
        return self


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
