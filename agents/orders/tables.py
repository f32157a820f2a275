"""What the orders service keeps."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from agents.orders.events import Address, Line
from streams import App, Event, Record

app = App("orders")


class Status(StrEnum):
    """How far an order has come."""

    PENDING = "PENDING"
    PAID = "PAID"
    PAYMENT_FAILED = "PAYMENT_FAILED"


class PaymentStatus(StrEnum):
    """Where an order's money is."""

    NONE = "NONE"
    CAPTURED = "CAPTURED"


class Step(Record):
    """One change of an order's status: when, by whom, why."""

    status: Status
    at: datetime
    by: str
    why: str


class Order(Record):
    """An order as it stands. `history` has every status it had, without gaps."""

    id: UUID
    user_id: UUID
    items: list[Line]
    total: Decimal
    currency: str
    status: Status
    payment_status: PaymentStatus
    shipping_address: Address
    created_at: datetime
    updated_at: datetime
    version: int
    history: list[Step]


def order_of(event: Event[Record]) -> UUID:
    """The order that an event of the saga is about."""
    order_id: UUID = event.value.order_id  # type: ignore[attr-defined]  # every record of the saga has one
    return order_id


orders = app.Table("orders", value_type=Order, index=("userId", "status"), resident=False, keys=order_of, watched=True)
