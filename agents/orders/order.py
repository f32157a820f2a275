"""An order, as the service keeps it."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from msgspec import field

from agents.orders.events import Address, Line
from agents.orders.statuses import Asked, Authorization, PaymentStatus, RefundStatus, Status, Stock
from streams import Record

NOTHING: Final = Decimal(0)
DEAREST: Final = Decimal(10**9)
"""Amounts are below it: sums of larger numbers with as many places would not be exact."""


class Step(Record):
    """One change of an order's status: when, by whom, why."""

    status: Status
    at: datetime
    by: str
    why: str


class Question(Record):
    """Something that another service was asked and has not answered yet."""

    what: Asked
    due: datetime
    """When, by the log's clock, it is time to ask again, or to give up."""
    since: datetime
    """The event time of the first asking. Whenever it is asked again, that is the time of the event."""
    tries: int = 0
    """How often it was asked again."""
    refund_id: UUID | None = None
    """Of which refund, with REFUND."""


class Refund(Record):
    """Some of an order's money that is given back: who wants it, why."""

    id: UUID
    amount: Decimal
    status: RefundStatus
    by: str
    reason: str | None = None


class Payment(Record):
    """What payments have told of an order's money: 0 ≤ refunded ≤ captured."""

    payment_token: str | None = None
    """Until the authorization is decided."""
    authorization: Authorization = Authorization.NONE
    captured: Decimal = NOTHING
    refusal: str | None = None
    """Why there will be no capture: the code of the provider's no to the authorization or the capture."""
    kept: str | None = None
    """Why an authorization could not be voided."""
    refunds: list[Refund] = field(default_factory=list)

    @property
    def refunded(self) -> Decimal:
        """What was given back."""
        return sum((refund.amount for refund in self.refunds if refund.status is RefundStatus.DONE), NOTHING)

    @property
    def stuck(self) -> list[Refund]:
        """What does not come through, or of which nobody knows whether it has."""
        return [refund for refund in self.refunds if refund.status is RefundStatus.STUCK]

    @property
    def left(self) -> Decimal:
        """What was captured and nobody wants back yet."""
        wanted = (refund.amount for refund in self.refunds if refund.status is not RefundStatus.REFUSED)
        return self.captured - sum(wanted, NOTHING)

    @property
    def status(self) -> PaymentStatus:
        """Where the money is."""
        if self.captured and self.refunded:
            whole = self.refunded == self.captured
            return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
        if self.captured:
            return PaymentStatus.CAPTURED
        if self.authorization is Authorization.VOIDED:
            return PaymentStatus.VOIDED
        return PaymentStatus.AUTHORIZED if self.authorization is Authorization.GIVEN else PaymentStatus.NONE


class Order(Record):
    """An order as it stands. `history` has every status it had, without gaps; `version` counts its changes."""

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
    stock: Stock = Stock.ASKED
    payment: Payment = field(default_factory=Payment)
    questions: list[Question] = field(default_factory=list)
    alarm: datetime | None = None
    """The due time that stands for it: never later than the first of its questions is due."""
    reason: str | None = None
    """Why it is being cancelled."""
    carrier: str | None = None
    tracking: str | None = None
