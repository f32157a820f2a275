"""What an answer changes."""

import pytest

from agents.payments.events import PaymentOperation
from agents.payments.provider.port import Answer, Outcome
from agents.payments.rules import answers
from agents.payments.rules.standing import STUCK_AFTER, standing
from agents.payments.tables import Act, Payment, Standing, State
from tests.agents.payments.place import REFUND, TEN
from tests.agents.payments.rules.test_intents import with_acts

DONE = Answer(Outcome.DONE, "auth_2")
NO = Answer(Outcome.REFUSED, code="card_declined")
SILENCE = Answer(Outcome.UNKNOWN, code="timeout")


def sealed(**states: State) -> Payment:
    payment = with_acts(**states)
    payment.payment_token = "sealed:x"
    return payment


@pytest.mark.parametrize(
    ("answer", "state", "code", "unanswered", "token"),
    [
        (DONE, State.DONE, None, 0, None),
        (NO, State.REFUSED, "card_declined", 0, None),
        (SILENCE, State.UNKNOWN, "timeout", 1, "sealed:x"),
        (Answer(Outcome.ABSENT), State.UNKNOWN, "absent", 1, "sealed:x"),
        (Answer(Outcome.DONE), State.UNKNOWN, "no_reference", 1, "sealed:x"),
    ],
)
def test_an_authorization_keeps_its_token_until_it_is_settled(
    answer: Answer, state: State, code: str | None, unanswered: int, token: str | None
) -> None:
    payment = answers.settled(sealed(authorize=State.ASKED), "authorize", answer)
    act = payment.acts["authorize"]
    assert (act.state, act.code, act.unanswered) == (state, code, unanswered)
    assert payment.payment_token == token
    assert payment.reference == ("auth_2" if answer is DONE else "auth_1")


@pytest.mark.parametrize("answer", [DONE, NO, SILENCE])
@pytest.mark.parametrize("state", [State.DONE, State.REFUSED, State.MISFIT])
def test_an_outcome_that_is_known_stays(state: State, answer: Answer) -> None:
    payment = answers.settled(with_acts(authorize=state), "authorize", answer)
    assert payment.acts["authorize"].state is state


def test_a_void_that_is_done_ends_what_was_not_known() -> None:
    payment = sealed(authorize=State.UNKNOWN, capture=State.ASKED, void=State.ASKED)
    payment = answers.settled(payment, "void", DONE)
    ended = [payment.acts[name] for name in ("authorize", "capture")]
    assert [(act.state, act.code) for act in ended] == [(State.REFUSED, "voided")] * 2
    assert payment.payment_token is None
    assert payment.reference == "auth_1"


def test_a_void_that_is_done_leaves_what_was_known_and_what_never_was() -> None:
    payment = answers.settled(with_acts(authorize=State.DONE, void=State.ASKED), "void", DONE)
    assert payment.acts["authorize"].state is State.DONE
    assert set(payment.acts) == {"authorize", "void"}
    assert answers.settled(with_acts(void=State.ASKED), "void", DONE).state is Standing.VOIDED


@pytest.mark.parametrize(
    ("states", "where"),
    [
        ({}, Standing.OPEN),
        ({"authorize": State.ASKED}, Standing.OPEN),
        ({"authorize": State.UNKNOWN}, Standing.UNKNOWN),
        ({"authorize": State.DONE}, Standing.AUTHORIZED),
        ({"authorize": State.REFUSED}, Standing.FAILED),
        ({"authorize": State.DONE, "capture": State.REFUSED}, Standing.FAILED),
        ({"authorize": State.DONE, "capture": State.REFUSED, "void": State.DONE}, Standing.VOIDED),
        ({"authorize": State.DONE, "capture": State.DONE}, Standing.CAPTURED),
        ({"authorize": State.DONE, "capture": State.DONE, "void": State.MISFIT}, Standing.CAPTURED),
    ],
)
def test_a_payment_stands_where_its_operations_have_brought_it(states: dict[str, State], where: Standing) -> None:
    assert standing(with_acts(**states)) is where


@pytest.mark.parametrize(
    ("state", "unanswered", "where"),
    [
        (State.UNKNOWN, STUCK_AFTER - 1, Standing.UNKNOWN),
        (State.UNKNOWN, STUCK_AFTER, Standing.STUCK),
        (State.ASKED, 0, Standing.CAPTURED),
        (State.REFUSED, 0, Standing.STUCK),
        (State.MISFIT, 0, Standing.CAPTURED),
        (State.DONE, STUCK_AFTER, Standing.CAPTURED),
    ],
)
def test_a_refund_is_stuck_where_the_provider_says_no_or_nothing_for_long(
    state: State, unanswered: int, where: Standing
) -> None:
    payment = with_acts(capture=State.DONE)
    payment.acts["refund:1"] = Act(PaymentOperation.REFUND, TEN, state, REFUND, None, unanswered)
    assert standing(payment) is where
