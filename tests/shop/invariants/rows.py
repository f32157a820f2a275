"""How the checker reads rows and events: only what it needs of them, by their names on the wire."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")
ZERO: Final = Decimal(0)


class Row(msgspec.Struct, rename="camel"):
    """A row as far as it is read."""


class Item(Row):
    """So many of a product, at a price."""

    product_id: str
    quantity: int
    price: Decimal = ZERO


class Step(Row):
    """One status of an order."""

    status: str
    at: datetime
    by: str
    why: str


class Order(Row):
    """A row of orders.orders."""

    id: str
    user_id: str
    items: list[Item]
    total: Decimal
    currency: str
    status: str
    payment_status: str
    history: list[Step]


class Stock(Row):
    """A row of inventory.stock."""

    product_id: str
    warehouse: str
    on_hand: int
    reserved: int


class Reservation(Row):
    """A row of inventory.reservations."""

    order_id: str
    warehouse: str
    status: str
    lines: list[Item]
    expires_at: datetime


class Receipt(Row):
    """A row of inventory.receipts."""

    warehouse: str
    lines: list[Item]


class Entry(Row):
    """A row of payments.ledger."""

    operation_key: str
    outcome: str
    order_id: str
    amount: Decimal
    currency: str


class Balance(Row):
    """A row of payments.balances."""

    order_id: str
    authorized: Decimal
    captured: Decimal
    refunded: Decimal


class Account(Row):
    """The provider's, of one authorization. Its book has names of its own."""

    reference: str
    currency: str
    authorized: Decimal
    captured: Decimal
    refunded: Decimal
    voided: bool


class Takings(Row):
    """A row of analytics.revenue."""

    amount: Decimal


class Notification(Row):
    """A document of notifications."""

    id: str
    type: str
    recipient: str
    template: str
    status: str
    data: dict[str, object]

    @property
    def about(self) -> str:
        """What it is about: the id begins with that."""
        return self.id.partition(":")[0]


class Told(Row):
    """What the checker reads of an event's body; "" and None where the event says nothing of it."""

    order_id: str = ""
    total: Decimal | None = None
    amount: Decimal = ZERO
    currency: str = ""
    items: list[Item] = []
    lines: list[Item] = []
    refund_id: str | None = None
    operation: str = ""
    id: str = ""


def read(kind: type[T], value: bytes) -> T:
    """A row."""
    return msgspec.json.decode(value, type=kind)


def read_all(kind: type[T], values: Iterable[bytes]) -> list[T]:
    """Rows."""
    decode = msgspec.json.Decoder(kind).decode
    return [decode(value) for value in values]
