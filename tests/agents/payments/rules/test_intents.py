"""What may be wanted of a payment, and in which order."""

from decimal import Decimal
from uuid import UUID

import pytest

from agents.payments.events import PaymentOperation, PaymentQuery, PaymentRefund
from agents.payments.provider.port import Authorize, Capture, Refund, Void
from agents.payments.rules import intents, keys
from agents.payments.rules.keys import Wish
from agents.payments.tables import Act, Payment, Standing, State
from tests.agents.payments.place import ORDER, REFUND, TEN, USER, authorize, capture, refund, void

AUTHORIZE, CAPTURE, VOID, BACK = PaymentOperation


def with_acts(**states: State) -> Payment:
    """A payment whose operations are like this."""
    payment = intents.new_payment(authorize())
    payment.acts = {name: Act(PaymentOperation(name), TEN, state) for name, state in states.items()}
    payment.reference = "auth_1"
    return payment


NOTHING = with_acts()
AUTHORIZED = with_acts(authorize=State.DONE)
CAPTURED = with_acts(authorize=State.DONE, capture=State.DONE)
VOIDED = with_acts(authorize=State.DONE, void=State.DONE)


@pytest.mark.parametrize(
    ("payment", "wish", "state", "code"),
    [
        (NOTHING, authorize(), State.ASKED, None),
        (with_acts(void=State.UNKNOWN), authorize(), State.ASKED, None),
        (VOIDED, authorize(), State.MISFIT, "voided"),
        (AUTHORIZED, capture(), State.ASKED, None),
        (NOTHING, capture(), State.MISFIT, "not_authorized"),
        (with_acts(authorize=State.REFUSED), capture(), State.MISFIT, "not_authorized"),
        (with_acts(authorize=State.MISFIT), capture(), State.MISFIT, "not_authorized"),
        (with_acts(authorize=State.UNKNOWN), capture(), State.UNKNOWN, "perhaps_not_authorized"),
        (VOIDED, capture(), State.MISFIT, "voided"),
        (AUTHORIZED, capture(Decimal("10.01")), State.MISFIT, "amount_too_large"),
        (AUTHORIZED, capture(Decimal(0)), State.MISFIT, "amount_not_payable"),
        (AUTHORIZED, capture(Decimal("1E+400")), State.MISFIT, "amount_not_payable"),
        (AUTHORIZED, capture(Decimal("NaN")), State.MISFIT, "amount_not_payable"),
        (NOTHING, void(), State.ASKED, None),
        (AUTHORIZED, void(), State.ASKED, None),
        (with_acts(capture=State.UNKNOWN), void(), State.ASKED, None),
        (CAPTURED, void(), State.MISFIT, "already_captured"),
        (CAPTURED, refund(), State.ASKED, None),
        (AUTHORIZED, refund(), State.MISFIT, "not_captured"),
        (with_acts(capture=State.UNKNOWN), refund(), State.UNKNOWN, "perhaps_not_captured"),
        (CAPTURED, refund(Decimal("10.01")), State.MISFIT, "amount_too_large"),
        (CAPTURED, PaymentRefund(ORDER, USER, TEN, "USD", REFUND), State.MISFIT, "other_currency"),
    ],
)
def test_an_operation_begins_as_what_was_done_before_allows(
    payment: Payment, wish: Wish, state: State, code: str | None
) -> None:
    act = intents.intended(payment, wish)
    assert (act.state, act.code, act.amount) == (state, code, wish.amount)
    assert intents.is_kept(act) is (state is not State.UNKNOWN)


@pytest.mark.parametrize(
    ("payment", "wish"), [(with_acts(authorize=State.ASKED), capture()), (with_acts(capture=State.ASKED), refund())]
)
def test_what_builds_on_something_under_way_has_to_wait(payment: Payment, wish: Wish) -> None:
    with pytest.raises(intents.NotYet):
        intents.intended(payment, wish)


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        (State.ASKED, False),
        (State.UNKNOWN, False),
        (State.DONE, False),
        (State.REFUSED, True),
        (State.MISFIT, True),
    ],
)
def test_a_refund_that_may_have_come_through_counts(state: State, allowed: bool) -> None:
    payment = with_acts(capture=State.DONE)
    payment.acts["refund:1"] = Act(BACK, Decimal("6.00"), state, UUID(int=1))
    assert (intents.intended(payment, refund(Decimal("6.00"))).state is State.ASKED) is allowed


def test_an_intent_is_written_under_the_operations_name() -> None:
    payment = intents.noted(with_acts(capture=State.DONE), Act(BACK, TEN, State.UNKNOWN, REFUND, None, 5))
    assert set(payment.acts) == {"capture", f"refund:{REFUND}"}
    assert payment.state is Standing.STUCK


def test_the_provider_is_asked_for_what_was_intended() -> None:
    acts = [Act(operation, TEN, State.ASKED) for operation in PaymentOperation]
    assert [intents.request(AUTHORIZED, act, "tok") for act in acts] == [
        Authorize("tok", TEN, "EUR"),
        Capture("auth_1", TEN),
        Void(f"{ORDER}:authorize"),
        Refund("auth_1", TEN),
    ]


def test_keys_are_of_the_order_the_operation_and_the_refund() -> None:
    named = [keys.name_in(wish) for wish in (authorize(), capture(), void(), refund())]
    assert named == ["authorize", "capture", "void", f"refund:{REFUND}"]
    query = PaymentQuery(ORDER, USER, TEN, "EUR", BACK, REFUND)
    assert keys.provider_key(ORDER, keys.name_in(query)) == f"{ORDER}:refund:{REFUND}"
