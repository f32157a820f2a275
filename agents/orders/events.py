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


class OrderCancel(Record, event="order.cancel"):
    """Command: end an order that is not shipped yet; what was paid is refunded. `by` says who asks."""

    order_id: UUID
    by: str
    reason: str | None = None


class OrderShip(Record, event="order.ship"):
    """Command: a paid order was given to a carrier."""

    order_id: UUID
    by: str
    carrier: str | None = None
    tracking: str | None = None


class OrderDeliver(Record, event="order.deliver"):
    """Command: a shipped order has arrived."""

    order_id: UUID
    by: str


class OrderRefund(Record, event="order.refund"):
    """Command: give back some of what was paid; without an amount, all that is left. One `refund_id` is one refund."""

    order_id: UUID
    refund_id: UUID
    by: str
    amount: Decimal | None = None
    reason: str | None = None


class OrderChangeAddress(Record, event="order.change_address"):
    """Command: ship an order elsewhere."""

    order_id: UUID
    by: str
    shipping_address: Address


class OrderOverdue(Record, event="order.overdue"):
    """From the service to itself: an answer that the order waits for has not come in time."""

    order_id: UUID


class OrderCreated(Record, event="order.created"):
    """An order was placed; its total will not change. It is also the request to reserve its lines.

    `expires_at`: a reservation that is not there by then is not wanted any more.
    """

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


class OrderDelivered(Record, event="order.delivered"):
    """The goods have arrived."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str


class Shortage(Record):
    """So many were wanted of a product, and so many there were."""

    product_id: UUID
    wanted: int
    available: int


class OrderRejected(Record, event="order.rejected"):
    """The order has ended because its lines could not be reserved; no shortages: nobody knows why not in time."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str
    reason: str
    shortages: list[Shortage]


class OrderExpired(Record, event="order.expired"):
    """The order has ended because its reservation did, before it was paid."""

    order_id: UUID
    user_id: UUID
    total: Decimal
    currency: str
    reason: str


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
    """A command does not fit the order's state, or contradicts itself. No user: there is no such order."""

    order_id: UUID
    user_id: UUID | None
    command: str
    reason: str
    by: str | None = None
