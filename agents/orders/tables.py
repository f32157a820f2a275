"""What the orders service keeps."""

from uuid import UUID

from agents.orders.order import Order
from streams import App, Event, Record

app = App("orders")


def order_of(event: Event[Record]) -> UUID:
    """The order that an event of the saga is about."""
    order_id: UUID = event.value.order_id  # type: ignore[attr-defined]  # every record of the saga has one
    return order_id


orders = app.Table("orders", value_type=Order, index=("userId", "status"), resident=False, keys=order_of, watched=True)
