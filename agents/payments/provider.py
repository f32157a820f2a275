"""The payment provider's port, and one that lives in this process."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

DECLINED: Final = "card_declined"


class ProviderUnavailable(Exception):
    """The payment provider did not answer; asking again with the same idempotency key is safe."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says: captured, or refused with a code."""

    captured: bool
    code: str | None = None


class Provider(Protocol):
    """Whoever takes money. Asked again with the same idempotency key, it answers the same and takes nothing twice."""

    async def capture(
        self, idempotency_key: str, token: str, amount: Decimal, currency: str, *, attempt: int
    ) -> Answer:
        """Take an amount; `attempt` is 1 at the first try. Raises ProviderUnavailable."""


class InProcessProvider:
    """Answers by the token: `tok_decline…` is refused, `tok_flaky…` fails twice and then works, anything else works."""

    async def capture(
        self, idempotency_key: str, token: str, amount: Decimal, currency: str, *, attempt: int
    ) -> Answer:
        """As Provider."""
        if token.startswith("tok_decline"):
            return Answer(captured=False, code=DECLINED)
        if token.startswith("tok_flaky") and attempt <= 2:
            raise ProviderUnavailable(f"the provider did not answer for {idempotency_key}")
        return Answer(captured=True)
