"""The products of the data, and enough of each. Ids follow from the data, so that a second replay adds nothing."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final
from uuid import uuid5

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from streams import Record
from warren.replay.dataset import CURRENCY
from warren.replay.orders import NAMESPACE, product_id

DELIVERY: Final = 100
"""Products of one delivery. The same products come together however many orders are replayed."""
PIECES: Final = 1_000_000
"""Of each product: more than all baskets hold together."""
PRICE: Final = Decimal("1.00")
"""The data has prices of lines alone, and orders have theirs from there."""


def supplies(products: Sequence[int]) -> Iterator[tuple[str, Record]]:
    """Everything that is to be known of these products, and their stock; each with its message id. The last is that
    the last product arrives."""
    for product in products:
        id = product_id(product)
        yield str(uuid5(id, "put")), ProductPut(id, f"Product {product}", PRICE, CURRENCY)
    for start in range(0, len(products), DELIVERY):
        yield _delivery(products[start : start + DELIVERY])


def _delivery(products: Sequence[int]) -> tuple[str, Record]:
    receipt = uuid5(NAMESPACE, f"delivery/{products[0]}")
    lines = [StockLine(product_id(product), PIECES) for product in products]
    return str(uuid5(receipt, "receive")), InventoryReceive(receipt, lines)
