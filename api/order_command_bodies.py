"""What may be done with an order, as requests have it."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from agents.orders.order import DEAREST
from agents.orders.statuses import Status
from api.bodies import Body, Text
from api.currencies import Amount
from api.order_bodies import NewAddress


class ChangeOrder(Body):
    """A change of an order: where it is shipped to."""

    shipping_address: NewAddress


class CancelOrder(Body):
    """Why an order is not wanted any more."""

    reason: Text | None = None


class ShipOrder(Body):
    """Who has it, and under which number."""

    carrier: Text | None = None
    tracking: Text | None = None


_Sum = Annotated[Amount, Field(gt=Decimal(0), lt=DEAREST)]


class RefundOrder(Body):
    """How much is given back; without an amount, all that is left."""

    amount: _Sum | None = None
    reason: Text | None = None


class RefundAccepted(Body):
    """The refund's id, and the status of its order."""

    id: UUID
    order_id: UUID
    status: Status
