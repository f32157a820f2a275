"""The payments' rules and the provider that lives in this process."""

from decimal import Decimal
from uuid import UUID

import pytest

from agents.payments import rules
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from agents.payments.provider import Answer, InProcessProvider, ProviderUnavailable
from agents.payments.tables import State

COMMAND = PaymentCapture(UUID(int=1), UUID(int=2), Decimal("9.99"), "EUR", "tok_ok")


def test_the_intent_comes_first_and_its_id_follows_from_the_idempotency_key() -> None:
    assert rules.intent(COMMAND).state is State.CAPTURING
    assert rules.intent(COMMAND).id == rules.intent(COMMAND).id
    assert rules.idempotency_key(COMMAND) == "00000000-0000-0000-0000-000000000001:capture"


def test_a_yes_is_told_as_captured() -> None:
    told = rules.told(rules.settled(rules.intent(COMMAND), Answer(captured=True)))
    assert isinstance(told, PaymentCaptured)
    assert told.amount == Decimal("9.99")


def test_a_no_is_told_as_failed_with_its_code() -> None:
    told = rules.told(rules.settled(rules.intent(COMMAND), Answer(captured=False, code="card_declined")))
    assert isinstance(told, PaymentFailed)
    assert told.code == "card_declined"


async def ask(token: str, attempt: int = 1) -> Answer:
    return await InProcessProvider().capture("key", token, Decimal(1), "EUR", attempt=attempt)


async def test_the_provider_answers_by_the_token() -> None:
    assert (await ask("tok_ok")).captured
    assert await ask("tok_decline") == Answer(captured=False, code="card_declined")


async def test_a_flaky_token_works_at_the_third_try_whoever_tries() -> None:
    for attempt in (1, 2):
        with pytest.raises(ProviderUnavailable):
            await ask("tok_flaky", attempt)
    assert (await ask("tok_flaky", 3)).captured
