"""What is told, under which id, and what the ledger makes of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.payments.events import PaymentFailed, PaymentOperation, PaymentUnknown
from agents.payments.rules import entries, happened, outcomes
from agents.payments.rules.happened import Happened
from agents.payments.rules.standing import STUCK_AFTER
from agents.payments.tables import Act, Balance, State, earlier
from tests.agents.payments.place import ORDER, REFUND, TEN, query
from tests.agents.payments.rules.test_intents import with_acts

AUTHORIZE, CAPTURE, VOID, BACK = PaymentOperation
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PAYMENT = with_acts(authorize=State.DONE, capture=State.DONE)


def act(operation: PaymentOperation, state: State, code: str | None = None, unanswered: int = 0) -> Act:
    return Act(operation, TEN, state, REFUND if operation is BACK else None, code, unanswered)


@pytest.mark.parametrize(
    ("operation", "state", "unanswered", "said"),
    [
        (AUTHORIZE, State.DONE, 0, "authorized"),
        (CAPTURE, State.DONE, 0, "captured"),
        (VOID, State.DONE, 0, "voided"),
        (BACK, State.DONE, STUCK_AFTER, "refunded"),
        (AUTHORIZE, State.REFUSED, 0, "failed"),
        (CAPTURE, State.MISFIT, 0, "failed"),
        (BACK, State.MISFIT, 0, "failed"),
        (BACK, State.REFUSED, 0, "refund_stuck"),
        (BACK, State.UNKNOWN, STUCK_AFTER, "refund_stuck"),
        (BACK, State.UNKNOWN, 1, "unknown"),
        (VOID, State.UNKNOWN, STUCK_AFTER, "unknown"),
        (CAPTURE, State.ASKED, 0, "unknown"),
    ],
)
def test_each_outcome_has_its_event_and_an_id_that_follows_from_it(
    operation: PaymentOperation, state: State, unanswered: int, said: str
) -> None:
    told = outcomes.told(PAYMENT, act(operation, state, None, unanswered))
    again = outcomes.told(PAYMENT, act(operation, state, "another reason", unanswered + 1))
    event = told.event
    assert (happened.outcome_of(event), event.amount, event.order_id) == (said, TEN, ORDER)
    assert told.id == again.id
    assert happened.operation_of(event) is operation
    assert happened.refund_of(event) == (REFUND if operation is BACK else None)
    suffix = f"refund:{REFUND}" if operation is BACK else operation
    assert happened.line_of(event) == f"{ORDER}:{suffix}:{said}"


def test_reasons_are_told_and_where_there_is_none_that() -> None:
    codes = [
        happened.code_of(outcomes.told(PAYMENT, each).event)
        for each in (
            act(CAPTURE, State.DONE),
            act(CAPTURE, State.REFUSED, "card_declined"),
            act(CAPTURE, State.REFUSED),
            act(CAPTURE, State.UNKNOWN, "timeout"),
            act(CAPTURE, State.ASKED),
            act(BACK, State.REFUSED),
        )
    ]
    assert codes == [None, "card_declined", "no_reason_given", "timeout", "no_answer_yet", "no_reason_given"]


def test_a_void_tells_how_much_it_has_let_go() -> None:
    for states, amount in (({"authorize": State.DONE}, TEN), ({"authorize": State.REFUSED}, 0), ({}, 0)):
        assert outcomes.told(with_acts(**states), act(VOID, State.DONE)).event.amount == amount


def test_what_nobody_asked_for_is_unknown_under_the_id_of_that_operation() -> None:
    never = outcomes.never_asked(query(BACK))
    assert isinstance(never.event, PaymentUnknown)
    assert (never.event.code, never.event.operation, never.event.refund_id) == ("not_asked", BACK, REFUND)
    assert never.id == outcomes.told(PAYMENT, act(BACK, State.UNKNOWN)).id


def test_a_failure_from_before_there_were_operations_is_a_captures() -> None:
    old = PaymentFailed(ORDER, ORDER, ORDER, TEN, "EUR", "card_declined")
    assert happened.line_of(old) == f"{ORDER}:capture:failed"


EVENTS: list[Happened] = [
    outcomes.told(PAYMENT, act(operation, state, None, unanswered)).event
    for operation in PaymentOperation
    for state, unanswered in ((State.DONE, 0), (State.UNKNOWN, 1), (State.UNKNOWN, STUCK_AFTER), (State.MISFIT, 0))
]


@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_the_sums_are_those_of_the_lines_however_often_events_come(events: list[Happened]) -> None:
    lines, balance = {}, Balance(ORDER, ORDER, "EUR")
    for event in events:
        if happened.line_of(event) not in lines:
            lines[happened.line_of(event)] = entries.entry_of(event, NOON)
            balance = entries.added(balance, lines[happened.line_of(event)])
    done = {happened.outcome_of(event) for event in events}
    for outcome in ("authorized", "captured", "voided", "refunded"):
        assert getattr(balance, outcome) == (TEN if outcome in done else 0)


def test_a_line_says_what_happened_when() -> None:
    stuck = outcomes.told(PAYMENT, act(BACK, State.REFUSED, "card_declined")).event
    entry = entries.entry_of(stuck, NOON)
    assert (entry.outcome, entry.operation, entry.refund_id) == ("refund_stuck", BACK, REFUND)
    assert (entry.amount, entry.code, entry.at) == (TEN, "card_declined", NOON)
    assert entries.added(None, entry).refunded == Decimal(0)


def test_of_a_line_that_two_partitions_have_the_earlier_counts() -> None:
    event = outcomes.told(PAYMENT, act(CAPTURE, State.DONE)).event
    one, two = entries.entry_of(event, NOON), entries.entry_of(event, NOON + timedelta(hours=1))
    assert earlier(two, one) is one
