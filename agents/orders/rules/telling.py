"""What the saga tells: news of its orders, and commands to other services."""

from dataclasses import dataclass
from datetime import datetime

from agents.inventory.events import InventoryCommit, InventoryRelease, InventoryRestock
from agents.orders.events import (
    OrderCancelled,
    OrderCommandRefused,
    OrderCreated,
    OrderDelivered,
    OrderExpired,
    OrderPaid,
    OrderPaymentFailed,
    OrderRejected,
    OrderShipped,
)
from agents.payments.events import PaymentAuthorize, PaymentCapture, PaymentQuery, PaymentRefund, PaymentVoid

News = (
    OrderCreated
    | OrderPaid
    | OrderShipped
    | OrderDelivered
    | OrderCancelled
    | OrderRejected
    | OrderExpired
    | OrderPaymentFailed
    | OrderCommandRefused
)
Request = (
    InventoryCommit
    | InventoryRelease
    | InventoryRestock
    | PaymentAuthorize
    | PaymentCapture
    | PaymentVoid
    | PaymentRefund
    | PaymentQuery
)


@dataclass(frozen=True, slots=True)
class Send:
    """A record that is told. `time`: when it happened; None: when the event at hand did."""

    record: News | Request
    time: datetime | None = None
