"""What the inventory service is told, and what it tells."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from streams import Record

MAIN: Final = "main"
"""The warehouse of whatever names none."""

DEAREST: Final = Decimal(10**9)
"""Prices are below it."""

Pieces = Annotated[int, Meta(ge=1)]


class StockLine(Record):
    """So many pieces of one product."""

    product_id: UUID
    quantity: Pieces


class Shortage(Record):
    """So many pieces of a product were wanted, and so many could be had."""

    product_id: UUID
    wanted: int
    available: int


class Product(Record):
    """A product as it is offered; `price` is that of one, `available` what could be reserved at that moment."""

    id: UUID
    name: str
    price: Decimal
    currency: str
    available: int


class ProductPut(Record, event="product.put"):
    """Command: offer a product, or change what it is called and costs. Stock it has stays as it is.

    Raises ValueError for what is no price: such a command cannot be sent, and one that comes all the same is a dead
    letter.
    """

    product_id: UUID
    name: str
    price: Decimal
    currency: str
    warehouse: str = MAIN

    def __post_init__(self) -> None:
        if not (self.price.is_finite() and 0 <= self.price < DEAREST):
            raise ValueError(f"a price is a number, not negative and below {DEAREST:,}, and not {self.price}")


class InventoryReceive(Record, event="inventory.receive"):
    """Command: goods have arrived. A receipt counts once, as it came first."""

    receipt_id: UUID
    lines: list[StockLine]
    warehouse: str = MAIN


class InventoryCommit(Record, event="inventory.commit"):
    """Command: what is reserved for the order leaves the stock."""

    order_id: UUID
    user_id: UUID
    warehouse: str = MAIN


class InventoryRelease(Record, event="inventory.release"):
    """Command: the order wants nothing any more: free what is held for it, restock what has left for it."""

    order_id: UUID
    user_id: UUID
    warehouse: str = MAIN


class InventoryRestock(Record, event="inventory.restock"):
    """Command: what has left for the order is back. The same as a release, whichever comes first."""

    order_id: UUID
    user_id: UUID
    warehouse: str = MAIN


class InventoryOverdue(Record, event="inventory.overdue"):
    """From the service to itself: a reservation's time is over."""

    order_id: UUID
    warehouse: str = MAIN


class InventoryReserved(Record, event="inventory.reserved"):
    """All lines of the order are held for it until then; a product's lines are one."""

    order_id: UUID
    user_id: UUID
    lines: list[StockLine]
    expires_at: datetime


class InventoryRejected(Record, event="inventory.rejected"):
    """Nothing is held for the order. No shortages: its release came before it, or it asks for nothing."""

    order_id: UUID
    user_id: UUID
    shortages: list[Shortage]


class InventoryCommitted(Record, event="inventory.committed"):
    """What was held for the order has left the stock."""

    order_id: UUID
    user_id: UUID
    lines: list[StockLine]


class InventoryReleased(Record, event="inventory.released"):
    """Nothing is held for the order any more, or ever will be; also the answer to a commit that comes after this."""

    order_id: UUID
    user_id: UUID
    lines: list[StockLine]


class InventoryExpired(Record, event="inventory.expired"):
    """The order's reservation was not committed in time, and is free; also the answer to a commit that comes after."""

    order_id: UUID
    user_id: UUID
    lines: list[StockLine]


class InventoryRestocked(Record, event="inventory.restocked"):
    """What had left for the order is in the stock again."""

    order_id: UUID
    user_id: UUID
    lines: list[StockLine]


class InventoryLow(Record, event="inventory.low"):
    """Less is available of a product than there should be; told when it falls below, and again only after a rise."""

    product_id: UUID
    available: int
    warehouse: str = MAIN


class ProductUpdated(Record, event="product.updated"):
    """A product is offered, or is called or costs something else."""

    product: Product
    warehouse: str = MAIN
