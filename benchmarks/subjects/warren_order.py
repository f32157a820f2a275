"""An order as Warren's agents read it."""

from streams import Record


class OrderCreated(Record, event="order.created"):
    """An order was placed."""

    order_id: str
    user_id: str
    total_cents: int
    currency: str
    items: int
