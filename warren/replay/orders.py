"""Baskets as orders: every id follows from the data, so that a second replay adds nothing."""

from functools import cache
from typing import Final
from uuid import UUID, uuid5

from agents.orders.events import Address, Line, OrderPlace
from agents.payments.seal import seal
from warren.replay.dataset import CURRENCY, Basket

NAMESPACE: Final = UUID("7e2b7a0e-0d7c-5a4f-8a4b-4f6d1c0f5b52")
"""Namespace of the ids of households, products and baskets."""

ADDRESS: Final = Address(
    name="A household", line1="1 Main Street", city="Cincinnati", region="OH", postal_code="45202", country="US"
)
"""The data names no addresses."""


def order_id(basket: int) -> UUID:
    """The order of a basket."""
    return uuid5(NAMESPACE, f"basket/{basket}")


@cache
def user_id(household: int) -> UUID:
    """The user of a household."""
    return uuid5(NAMESPACE, f"household/{household}")


@cache
def product_id(product: int) -> UUID:
    """The id of a product."""
    return uuid5(NAMESPACE, f"product/{product}")


def order_place(basket: Basket) -> OrderPlace:
    """The command that places a basket: each line one piece at the line's price."""
    id = order_id(basket.id)
    return OrderPlace(
        order_id=id,
        user_id=user_id(basket.household),
        items=[Line(product_id(product), 1, money) for product, money in basket.lines],
        currency=CURRENCY,
        payment_token=seal.close("tok_ok", id),
        shipping_address=ADDRESS,
    )
