"""What the inventory service keeps. Every row's key is (warehouse, id)."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from agents.inventory.events import (
    MAIN,
    InventoryCommit,
    InventoryOverdue,
    InventoryReceive,
    InventoryRelease,
    InventoryRestock,
    ProductPut,
    Shortage,
    StockLine,
)
from agents.orders.events import OrderCreated
from streams import App, Event, Record
from streams.keys import encode_key

app = App("inventory")

OfOrder = OrderCreated | InventoryCommit | InventoryRelease | InventoryRestock | InventoryOverdue


class Offer(Record):
    """A product as it is offered; `price` is that of one."""

    id: UUID
    name: str
    price: Decimal
    currency: str
    warehouse: str = MAIN


class Stock(Record):
    """Pieces of a product: those that are here, and those of them that are held for orders."""

    product_id: UUID
    on_hand: int = 0
    reserved: int = 0
    warehouse: str = MAIN

    @property
    def available(self) -> int:
        """Pieces that can be reserved."""
        return self.on_hand - self.reserved


class Hold(StrEnum):
    """What became of an order's lines. All but HELD and COMMITTED are final."""

    HELD = "HELD"
    REJECTED = "REJECTED"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    RESTOCKED = "RESTOCKED"


class Reservation(Record):
    """What an order has, or had, of the stock. Without lines it is a tombstone: the order was let go before it came."""

    order_id: UUID
    user_id: UUID
    status: Hold
    lines: list[StockLine]
    shortages: list[Shortage]
    expires_at: datetime
    """When it ends, if it is not committed before; where nothing was ever held, when that was decided."""
    updated_at: datetime
    warehouse: str = MAIN


class Receipt(Record):
    """Goods that have arrived."""

    id: UUID
    lines: list[StockLine]
    at: datetime
    warehouse: str = MAIN


Place = tuple[str, UUID]
"""(warehouse, id)."""


def order_at(value: OfOrder) -> Place:
    """The key of an order's reservation. Orders are served from the main warehouse until they name another."""
    return (MAIN if isinstance(value, OrderCreated) else value.warehouse), value.order_id


@lru_cache(maxsize=65_536)
def stock_at(warehouse: str, product: UUID) -> str:
    """The key of a product's stock as stores have it, made once: each order asks for ten of them, three times."""
    return encode_key((warehouse, product))


def _product_of(event: Event[Any]) -> list[Place]:
    value = event.value
    return [(value.warehouse, value.product_id)] if isinstance(value, ProductPut) else []


def _reservation_of(event: Event[Any]) -> list[Place]:
    return [order_at(event.value)] if isinstance(event.value, OfOrder) else []


def _receipt_of(event: Event[Any]) -> list[Place]:
    value = event.value
    return [(value.warehouse, value.receipt_id)] if isinstance(value, InventoryReceive) else []


products = app.Table("products", value_type=Offer, index=("currency",), resident=False, keys=_product_of, watched=True)
stock = app.Table("stock", value_type=Stock)
"""In memory: every order asks for some of it, and there are as many rows as products, not as orders."""
reservations = app.Table(
    "reservations", value_type=Reservation, index=("userId", "status"), resident=False, keys=_reservation_of
)
receipts = app.Table("receipts", value_type=Receipt, resident=False, keys=_receipt_of)
