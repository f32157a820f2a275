"""The payments' rules."""

from decimal import Decimal
from uuid import UUID

from agents.payments import rules
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from agents.payments.provider.port import Answer, Outcome
from agents.payments.tables import State

COMMAND = PaymentCapture(UUID(int=1), UUID(int=2), Decimal("9.99"), "EUR", "tok_ok")


def test_the_intent_comes_first_and_its_id_follows_from_the_idempotency_key() -> None:
    assert rules.intent(COMMAND).state is State.CAPTURING
    assert rules.intent(COMMAND).id == rules.intent(COMMAND).id
    assert rules.idempotency_key(COMMAND, "capture") == "00000000-0000-0000-0000-000000000001:capture"


def test_a_yes_is_told_as_captured() -> None:
    payment = rules.settled(rules.intent(COMMAND), Answer(Outcome.DONE, "auth_1"))
    assert payment.reference == "auth_1"
    told = rules.told(payment)
    assert isinstance(told, PaymentCaptured)
    assert told.amount == Decimal("9.99")


def test_a_no_is_told_as_failed_with_its_code() -> None:
    told = rules.told(rules.settled(rules.intent(COMMAND), Answer(Outcome.REFUSED, code="card_declined")))
    assert isinstance(told, PaymentFailed)
    assert told.code == "card_declined"
