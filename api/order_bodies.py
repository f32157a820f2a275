"""Orders, as requests and answers have them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from agents.orders.statuses import PaymentStatus, Status
from api.bodies import Body, Currency, Money, Text


class AddressBody(Body):
    """Where an order is shipped to."""

    name: str
    line1: str
    line2: str | None = None
    city: str
    region: str | None = None
    postal_code: str
    country: str


class NewAddress(AddressBody):
    """Where to ship an order to; `country` is ISO 3166-1 alpha-2."""

    name: Text
    line1: Text
    line2: Text | None = None
    city: Text
    region: Text | None = None
    postal_code: Text
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Wanted(Body):
    """So many of one product. What it costs, the catalog says."""

    product_id: UUID
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000)]


class PlaceOrder(Body):
    """A request to place an order."""

    user_id: UUID
    items: Annotated[list[Wanted], Field(min_length=1, max_length=100)]
    currency: Currency
    shipping_address: NewAddress
    payment_token: Annotated[Text, Field(repr=False)]


class OrderAccepted(Body):
    """The order's id, and the status it begins with."""

    id: UUID
    status: Status


class LineBody(Body):
    """A line of an order, at the price of one."""

    product_id: UUID
    quantity: int
    price: Money


class OrderBody(Body):
    """An order as it stands."""

    id: UUID
    user_id: UUID
    items: list[LineBody]
    total: Money
    currency: str
    status: Status
    payment_status: PaymentStatus
    shipping_address: AddressBody
    created_at: datetime
    updated_at: datetime
    version: int


class StepBody(Body):
    """One change of an order's status: when, by whom, why."""

    status: Status
    at: datetime
    by: str
    why: str
