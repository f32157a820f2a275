"""What an event counts for, and that it counts once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agents.analytics import rules
from agents.analytics.order_metric import Metadata, OrderMetric, together
from agents.analytics.tally import Fact
from agents.payments.events import PaymentOperation
from tests.agents.analytics.life import (
    BOOTS,
    LAMP,
    MINUTE,
    NOON,
    captured,
    created,
    failed,
    order,
    paid,
    refunded,
    user,
)

AT = datetime.fromtimestamp(NOON / 1000, UTC)
LATER = AT + timedelta(minutes=1)
PAID = AT + timedelta(minutes=5)


def known(**metadata: object) -> OrderMetric:
    metric = rules.placed(None, created(1, 1), AT, AT).metric
    assert metric is not None
    for name, value in metadata.items():
        setattr(metric.metadata, name, value)
    return metric


def test_an_order_is_counted_when_it_was_placed() -> None:
    metric, facts = rules.placed(None, created(1, 1, "30.00", (LAMP, 2), (BOOTS, 1)), AT, AT)
    assert metric is not None
    assert (metric.order_id, metric.user_id, metric.amount, metric.timestamp) == (
        order(1),
        user(1),
        Decimal("30.00"),
        AT,
    )
    assert metric.metadata == Metadata("EUR", 3, placed_logged=AT)
    assert metric.id != metric.order_id
    assert facts == (Fact(NOON, orders=1),)


def test_an_order_is_counted_once() -> None:
    assert rules.placed(known(), created(1, 1), LATER, LATER) == rules.NOTHING


def test_the_wait_is_by_the_clock_of_the_log_and_counts_at_the_time_of_the_payment_whatever_came_first() -> None:
    expected = Fact(NOON + 5 * MINUTE, wait=MINUTE)
    assert rules.paid(known(), paid(1, 1), PAID, LATER).facts == (expected,)
    metric, facts = rules.paid(None, paid(1, 1), PAID, LATER)
    assert facts == ()
    assert rules.placed(metric, created(1, 1), AT, AT).facts == (Fact(NOON, orders=1), expected)


def test_an_order_is_paid_once() -> None:
    assert rules.paid(known(paid_at=AT), paid(1, 1), LATER, LATER) == rules.NOTHING


def test_logs_whose_clock_goes_back_make_no_negative_wait() -> None:
    assert rules.paid(known(), paid(1, 1), PAID, AT - timedelta(seconds=1)).facts == (Fact(NOON + 5 * MINUTE, wait=0),)


def test_money_is_taken_once() -> None:
    metric, facts = rules.captured(None, captured(1, 1, "12.50"), AT)
    assert facts == (Fact(NOON, currency="EUR", captured=Decimal("12.50"), succeeded=1),)
    assert metric is not None
    assert (metric.metadata.captured, metric.metadata.outcomes) == (Decimal("12.50"), ["capture:captured"])
    assert rules.captured(metric, captured(1, 1, "12.50"), LATER) == rules.NOTHING


def test_each_refund_counts_once() -> None:
    metric, facts = rules.refunded(known(), refunded(1, 1, "3.00", 1), AT)
    assert facts == (Fact(NOON, currency="EUR", refunded=Decimal("3.00")),)
    assert rules.refunded(metric, refunded(1, 1, "3.00", 1), LATER) == rules.NOTHING
    metric, facts = rules.refunded(metric, refunded(1, 1, "4.00", 2), AT)
    assert len(facts) == 1
    assert metric is not None
    assert metric.metadata.refunded == Decimal("7.00")


@pytest.mark.parametrize("operation", [PaymentOperation.AUTHORIZE, PaymentOperation.CAPTURE])
def test_a_payment_that_fails_counts_once(operation: PaymentOperation) -> None:
    metric, facts = rules.failed(None, failed(1, 1, operation), AT)
    assert facts == (Fact(NOON, failed=1),)
    assert rules.failed(metric, failed(1, 1, operation), LATER) == rules.NOTHING


@pytest.mark.parametrize("operation", [PaymentOperation.VOID, PaymentOperation.REFUND])
def test_a_void_or_a_refund_that_fails_is_no_failed_payment(operation: PaymentOperation) -> None:
    assert rules.failed(None, failed(1, 1, operation), AT) == rules.NOTHING


def test_lines_of_one_product_are_one_sale() -> None:
    assert rules.pieces_of(created(1, 1, "9.00", (LAMP, 2), (BOOTS, 1), (LAMP, 3))) == {LAMP: 5, BOOTS: 1}


def test_what_two_partitions_know_of_an_order_is_put_together() -> None:
    one = known()
    other = rules.captured(None, captured(1, 1), LATER).metric
    assert other is not None
    other.metadata.paid_at = LATER
    whole = together(one, other)
    assert whole == together(other, one)
    assert (whole.amount, whole.timestamp, whole.metadata.captured) == (Decimal("10.00"), AT, Decimal("10.00"))
    assert (whole.metadata.paid_at, whole.metadata.outcomes) == (LATER, ["capture:captured"])
