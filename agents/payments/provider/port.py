"""The payment provider's port. What a provider says is an answer, never an exception; exceptions are faults of ours."""

from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec


class Authorize(msgspec.Struct, frozen=True, tag_field="operation", tag="authorize"):
    """Set an amount aside on the card that the token stands for."""

    token: str
    amount: Decimal
    currency: str


class Capture(msgspec.Struct, frozen=True, tag_field="operation", tag="capture"):
    """Take what an authorization has set aside, or a part of it; once."""

    reference: str
    amount: Decimal


class Void(msgspec.Struct, frozen=True, tag_field="operation", tag="void"):
    """Let go of what an authorization has set aside. One that has not come yet is refused when it comes."""

    authorization: str
    """Its idempotency key: nobody need know whether it has come."""


class Refund(msgspec.Struct, frozen=True, tag_field="operation", tag="refund"):
    """Give back some of what was captured."""

    reference: str
    amount: Decimal


Operation = Authorize | Capture | Void | Refund
"""What a provider is asked to do. `reference` is that of the authorization's answer; amounts are in its currency."""


class Outcome(StrEnum):
    """What became of an operation. UNKNOWN: perhaps done, perhaps not; ask again under the same key. ABSENT: the
    provider has never heard of it, though it may still be on its way."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class Answer(msgspec.Struct, frozen=True):
    """An outcome; `reference` names the authorization, `code` says why it was refused or is not known."""

    outcome: Outcome
    reference: str | None = None
    code: str | None = None


class ProviderMisused(Exception):
    """The provider takes what we asked for a mistake of ours: asking again does not help."""


class Provider(Protocol):
    """Whoever takes money. Asked again under the same idempotency key, it answers the same and does nothing twice.

    Keys are `orderId:operation[:refundId]`. A timeout, a broken connection and a provider that is down are answers too:
    UNKNOWN.
    """

    async def ask(self, key: str, operation: Operation) -> Answer:
        """Have something done. Raises ProviderMisused, as where a key was used for another operation before."""

    async def look_up(self, key: str) -> Answer:
        """What became of the operation with this key; asks for nothing to be done. Raises ProviderMisused."""
