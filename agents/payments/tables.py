"""What the payments service keeps."""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from streams import App, Record

app = App("payments")


class State(StrEnum):
    """How far a payment has come. CAPTURING is an intent: the provider may have been asked, its answer is not known."""

    CAPTURING = "CAPTURING"
    CAPTURED = "CAPTURED"
    FAILED = "FAILED"


class Payment(Record):
    """The payment of one order."""

    id: UUID
    order_id: UUID
    user_id: UUID
    amount: Decimal
    currency: str
    state: State
    code: str | None = None
    reference: str | None = None
    """The provider's, of the authorization."""


payments = app.documents("payments", Payment, index=("state",))
