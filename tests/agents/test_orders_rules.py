"""The orders' rules: what follows from each event in each state."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.orders import rules
from agents.orders.agent import decide
from agents.orders.events import (
    Address,
    Line,
    OrderCommandRefused,
    OrderCreated,
    OrderPaid,
    OrderPaymentFailed,
    OrderPlace,
)
from agents.orders.tables import Order, PaymentStatus, Status
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from streams import Record

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)
ORDER, USER, PRODUCT, PAYMENT = (UUID(int=n) for n in range(1, 5))
HOME = Address("A", "1 Street", "Town", "1000", "NL")


def command(*prices: str, quantity: int = 1) -> OrderPlace:
    return OrderPlace(ORDER, USER, [Line(PRODUCT, quantity, Decimal(p)) for p in prices], "EUR", "tok_ok", HOME)


def placed(*prices: str) -> Order:
    order = rules.place(None, command(*(prices or ("10.00",))), AT).order
    assert order is not None
    return order


CAPTURED = PaymentCaptured(PAYMENT, ORDER, USER, Decimal("10.00"), "EUR")
FAILED = PaymentFailed(PAYMENT, ORDER, USER, Decimal("10.00"), "EUR", "card_declined")


def test_a_new_order_is_pending_and_asks_for_its_money() -> None:
    decision = rules.place(None, command("10.00", "2.50", quantity=2), AT)
    assert decision.order is not None
    assert decision.order.status is Status.PENDING
    assert decision.order.total == Decimal("25.00")
    created, capture = decision.sends
    assert isinstance(created, OrderCreated)
    assert created.total == Decimal("25.00")
    assert capture == PaymentCapture(ORDER, USER, Decimal("25.00"), "EUR", "tok_ok")


def test_an_order_of_total_zero_is_paid_without_a_payment() -> None:
    decision = rules.place(None, command("0.00"), AT)
    assert decision.order is not None
    assert (decision.order.status, decision.order.payment_status) == (Status.PAID, PaymentStatus.NONE)
    assert [type(send) for send in decision.sends] == [OrderCreated, OrderPaid]


def test_the_same_order_again_changes_nothing() -> None:
    assert rules.place(placed(), command("99.00"), LATER) == rules.NOTHING


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (command(), "at least one line"),
        (command("1.00", quantity=0), "a quantity is at least 1"),
        (command("-1.00"), "a price is a number, and not negative"),
        (command("NaN"), "a price is a number, and not negative"),
        (command("Infinity"), "a price is a number, and not negative"),
        (command("1E+400"), "a price is below"),
        (command("1E-400"), "a price is below"),
        (command("0.00001"), "a price is below"),
        (command("999999999.00", "0.9999", "1.00"), "a total is below"),
        (command("10.00", quantity=10**8), "a total is below"),
    ],
)
def test_a_command_that_contradicts_itself_is_refused(bad: OrderPlace, reason: str) -> None:
    decision = rules.place(None, bad, AT)
    assert decision.order is None
    (refusal,) = decision.sends
    assert isinstance(refusal, OrderCommandRefused)
    assert reason in refusal.reason


def test_a_capture_makes_an_order_paid() -> None:
    decision = rules.captured(placed(), CAPTURED, LATER)
    assert decision.order is not None
    assert (decision.order.status, decision.order.payment_status) == (Status.PAID, PaymentStatus.CAPTURED)
    assert decision.sends == (OrderPaid(ORDER, USER, Decimal("10.00"), "EUR"),)


def test_a_refusal_of_the_provider_ends_the_order() -> None:
    decision = rules.failed(placed(), FAILED, LATER)
    assert decision.order is not None
    assert decision.order.status is Status.PAYMENT_FAILED
    assert decision.sends == (OrderPaymentFailed(ORDER, USER, Decimal("10.00"), "EUR", "card_declined"),)


@pytest.mark.parametrize("event", [CAPTURED, FAILED])
def test_news_of_an_order_that_nobody_placed_changes_nothing(event: Record) -> None:
    assert decide(None, event, AT) == rules.NOTHING


def test_an_event_that_is_none_of_the_sagas_is_an_error() -> None:
    with pytest.raises(TypeError, match="does not know OrderPaid"):
        decide(None, OrderPaid(ORDER, USER, Decimal(1), "EUR"), AT)


@given(st.lists(st.sampled_from([command("10.00"), CAPTURED, FAILED]), max_size=12))
def test_whatever_comes_the_history_has_no_gaps_and_the_total_never_changes(events: list[Record]) -> None:
    order: Order | None = None
    for event in events:
        before = None if order is None else (order.status, order.version)
        decision = decide(order, event, AT)
        order = decision.order or order
        if order is None:
            assert decision.sends == ()
            continue
        assert order.total == Decimal("10.00") == rules.total_of(order.items)
        assert order.history[-1].status is order.status
        assert len(order.history) == order.version
        if before is not None and before[0] is not order.status:
            assert order.status in rules.NEXT[before[0]]
    if order is not None:
        assert order.history[0].status is Status.PENDING
