"""Orders begin with a command that makes sense, once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agents.orders.events import OrderCommandRefused, OrderCreated, OrderPlace
from agents.orders.rules.change import NOTHING, Moment
from agents.orders.rules.deciding import SagaEvent, decide
from agents.orders.rules.placing import total_of
from agents.orders.statuses import Asked, PaymentStatus, Status
from tests.agents.orders.tale import AUTHORIZED, CAPTURED, NOON, ORDER, RESERVED, USER, Tale, command

MOMENT = Moment(NOON, NOON)


def test_a_new_order_is_pending_and_asks_for_its_goods() -> None:
    decision = decide(None, command("10.00", "2.50", quantity=2), MOMENT)
    order = decision.order
    assert order is not None
    assert (order.status, order.payment_status, order.version) == (Status.PENDING, PaymentStatus.NONE, 1)
    assert order.total == Decimal("25.00") == total_of(order.items)
    (created,) = decision.records
    assert isinstance(created, OrderCreated)
    assert (created.total, created.expires_at) == (Decimal("25.00"), NOON + timedelta(seconds=30))
    assert decision.schedule == created.expires_at
    assert [(question.what, question.due) for question in order.questions] == [(Asked.RESERVE, created.expires_at)]
    assert [(step.status, step.by) for step in order.history] == [(Status.PENDING, f"user {USER}")]


def test_orders_tell_of_when_things_happened_and_wait_by_the_logs_clock() -> None:
    late = Moment(NOON, NOON + timedelta(days=300))
    decision = decide(None, command("1.00"), late)
    assert decision.order is not None
    assert decision.order.created_at == NOON
    assert decision.schedule == late.log_time + timedelta(seconds=30)


def test_the_same_order_again_changes_nothing() -> None:
    assert decide(Tale().order, command("99.00"), MOMENT) == NOTHING


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (command(), "at least one line"),
        (command("1.00", quantity=0), "a quantity is at least 1"),
        (command("1.00", quantity=1_000_001), "at most 1,000,000"),
        (command("-1.00"), "not negative"),
        (command("NaN"), "a price is a number"),
        (command("Infinity"), "a price is a number"),
        (command("1E+400"), "below 1,000,000,000"),
        (command("1000000000"), "below 1,000,000,000"),
        (command("1E-400"), "at most 4 decimal places"),
        (command("999999999.00", "0.9999", "1.00"), "a total is below"),
        (command("1000.00", quantity=1_000_000), "a total is below"),
        (command("0.00001"), "at most 4 decimal places"),
    ],
)
def test_a_command_that_contradicts_itself_is_refused(bad: OrderPlace, reason: str) -> None:
    decision = decide(None, bad, MOMENT)
    assert decision.order is None
    (refusal,) = decision.records
    assert isinstance(refusal, OrderCommandRefused)
    assert (refusal.order_id, refusal.user_id, refusal.command) == (ORDER, USER, "order.place")
    assert reason in refusal.reason


@pytest.mark.parametrize("event", [RESERVED, AUTHORIZED, CAPTURED])
def test_news_of_an_order_that_nobody_placed_changes_nothing(event: SagaEvent) -> None:
    assert decide(None, event, MOMENT) == NOTHING
