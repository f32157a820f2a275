"""What the payments service keeps: a document for each order's payment, and the ledger."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import field

from agents.payments.events import PaymentOperation
from agents.payments.rules.happened import line_of
from streams import App, Record

app = App("payments")

NOTHING: Final = Decimal(0)


class State(StrEnum):
    """How far an operation has come."""

    ASKED = "ASKED"
    """An intent: the provider may have been asked, its answer is not known here."""
    UNKNOWN = "UNKNOWN"
    """The provider did not say."""
    DONE = "DONE"
    REFUSED = "REFUSED"
    """By the provider."""
    MISFIT = "MISFIT"
    """It contradicts what was done before: the provider was not asked."""


class Standing(StrEnum):
    """Where a payment stands, for those who look through many."""

    OPEN = "OPEN"
    UNKNOWN = "UNKNOWN"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"
    STUCK = "STUCK"


class Act(Record):
    """One operation: what is wanted, and what became of it."""

    operation: PaymentOperation
    amount: Decimal
    state: State
    refund_id: UUID | None = None
    code: str | None = None
    """Why it was refused, or is not known."""
    unanswered: int = 0
    """How often the provider did not say what became of it."""

    @property
    def settled(self) -> bool:
        """Whether its outcome is known, for good."""
        return self.state not in (State.ASKED, State.UNKNOWN)


class Payment(Record):
    """The payment of one order. `acts` has every operation, by its name: `authorize`, …, `refund:REFUND_ID`."""

    id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    """Of the first command, which is the order's."""
    currency: str
    state: Standing = Standing.OPEN
    acts: dict[str, Act] = field(default_factory=dict)
    reference: str | None = None
    """The provider's, of the authorization."""
    payment_token: str | None = None
    """Sealed; until it is known what became of the authorization."""


class Entry(Record):
    """A line of the ledger: one outcome of one operation."""

    operation_key: str
    """As the provider knows the operation."""
    outcome: str
    order_id: UUID
    payment_id: UUID
    user_id: UUID
    operation: PaymentOperation
    amount: Decimal
    currency: str
    at: datetime
    refund_id: UUID | None = None
    code: str | None = None


class Balance(Record):
    """The sums of an order's entries: 0 ≤ refunded ≤ captured ≤ authorized, and what is voided is not captured."""

    order_id: UUID
    user_id: UUID
    currency: str
    authorized: Decimal = NOTHING
    captured: Decimal = NOTHING
    voided: Decimal = NOTHING
    refunded: Decimal = NOTHING


def earlier(one: Entry, other: Entry) -> Entry:
    """The entry of two partitions that both have it: the number of partitions was another one meanwhile."""
    return min(one, other, key=lambda entry: entry.at)


payments = app.documents("payments", Payment, index=("state",))

ledger = app.Table(
    "ledger",
    value_type=Entry,
    index=("orderId", "outcome"),
    resident=False,
    keys=lambda event: line_of(event.value),
    merge=earlier,
)
"""Append only: by operation key and outcome. No line is ever changed or taken out."""

balances = app.Table("balances", value_type=Balance, resident=False, keys=lambda event: event.value.order_id)
"""By order."""
