"""What visitors do, as HTTP publishers tell it. Analytics reads it; the edge holds publishers to it.

A `user_id` is there once the visitor has logged in; until then they are known by their session. Without either, nobody
knows who it was, and the event counts for nothing.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from streams import Record

SessionId = Annotated[str, Meta(max_length=200)]
"""A session is the key of a row, and keys are no longer than 1,024 bytes: a longer one is refused at the edge, and read
by nobody where it has come another way."""


class ProductViewed(Record, event="user.activity.product_viewed"):
    """Somebody has looked at a product."""

    session_id: SessionId | None = None
    user_id: UUID | None = None
    product_id: UUID | None = None


class CartAdded(Record, event="user.activity.cart_added"):
    """Somebody has put a product into their cart."""

    session_id: SessionId | None = None
    user_id: UUID | None = None
    product_id: UUID | None = None


class CheckoutStarted(Record, event="user.activity.checkout_started"):
    """Somebody has begun to pay for their cart."""

    session_id: SessionId | None = None
    user_id: UUID | None = None
    product_id: UUID | None = None
