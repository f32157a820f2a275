"""What visitors do, as HTTP publishers tell it. Analytics reads it; the edge holds publishers to it.

A `user_id` is there once the visitor has logged in; until then they are known by their session. Without either, nobody
knows who it was, and the event counts for nothing.
"""

from uuid import UUID

from streams import Record


class ProductViewed(Record, event="user.activity.product_viewed"):
    """Somebody has looked at a product."""

    session_id: str | None = None
    user_id: UUID | None = None
    product_id: UUID | None = None


class CartAdded(Record, event="user.activity.cart_added"):
    """Somebody has put a product into their cart."""

    session_id: str | None = None
    user_id: UUID | None = None
    product_id: UUID | None = None


class CheckoutStarted(Record, event="user.activity.checkout_started"):
    """Somebody has begun to pay for their cart."""

    session_id: str | None = None
    user_id: UUID | None = None
    product_id: UUID | None = None
