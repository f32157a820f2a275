"""What the orders service is told, and what it tells."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from streams import Record


class Address(Record):
    """Where an order is shipped to."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str | None = None
    region: str | None = None


class Line(Record):
    """So many of one product, at the price of one."""

    product_id: UUID
    quantity: int
    price: Decimal


class OrderPlace(Record, event="order.place"):
    """Command: place an order. Prices are the catalog's, never the client's."""

    order_id: UUID
    user_id: UUID
    items: list[Line]
    currency: str
    payment_token: str
    shipping_address: Address


class OrderCreated(Record, event="order.created"):
    """An order was placed; its total will not change."""

    order_id: UUID
    user_id: UUID
    items: list[Line]
    total: Decimal
    currency: str
    shipping_address: Address
    expires_at: datetime | None = None


class OrderPaid(Record, event="order.paid"):
    """The money is there, or none was due."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str


class OrderShipped(Record, event="order.shipped"):
    """The goods are on their way."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str
    carrier: str | None = None
    tracking: str | None = None


class OrderCancelled(Record, event="order.cancelled"):
    """The order has ended because somebody wanted it to. What was paid is refunded."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str
    reason: str | None = None


class OrderPaymentFailed(Record, event="order.payment_failed"):
    """The order has ended because it could not be paid."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str
    reason: str


class OrderCommandRefused(Record, event="order.command_refused"):
    """A command does not fit the order's state, or contradicts itself."""

    order_id: UUID
    user_id: UUID
    command: str
    reason: str
