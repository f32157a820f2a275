"""Where orders go, event by event."""

from datetime import timedelta

import pytest

from agents.inventory.events import InventoryCommit, InventoryRelease, InventoryRestock
from agents.orders.events import (
    OrderCancel,
    OrderCancelled,
    OrderExpired,
    OrderPaid,
    OrderPaymentFailed,
    OrderRejected,
    Shortage,
)
from agents.orders.order import Order
from agents.orders.rules.deciding import SagaEvent
from agents.orders.statuses import Asked, PaymentStatus, Status
from agents.payments.events import (
    PaymentAuthorize,
    PaymentCapture,
    PaymentOperation,
    PaymentQuery,
    PaymentRefund,
    PaymentVoid,
)
from tests.agents.orders.tale import (
    AUTHORIZED,
    CANCEL,
    CAPTURED,
    COMMITTED,
    EXPIRED,
    NOON,
    ORDER,
    PAID,
    PRODUCT,
    REJECTED,
    RELEASED,
    RESERVED,
    RESTOCKED,
    TEN,
    USER,
    VOIDED,
    Tale,
    failed,
    kinds,
    refunded,
    stuck,
    unknown,
)

NO_CARD = failed(PaymentOperation.AUTHORIZE)
NO_MONEY = failed(PaymentOperation.CAPTURE)


def test_an_order_is_reserved_authorized_committed_captured_and_paid() -> None:
    tale = Tale()
    assert tale.hear(RESERVED) == [PaymentAuthorize(ORDER, USER, TEN, "EUR", "sealed")]
    assert tale.hear(AUTHORIZED) == [InventoryCommit(ORDER, USER)]
    assert tale.hear(COMMITTED) == [PaymentCapture(ORDER, USER, TEN, "EUR")]
    assert tale.hear(CAPTURED) == [OrderPaid(ORDER, USER, TEN, "EUR")]
    assert tale.path == [Status.PENDING, Status.RESERVED, Status.AUTHORIZED, Status.CAPTURING, Status.PAID]
    assert tale.money() is PaymentStatus.CAPTURED
    assert tale.order.payment.payment_token is None
    assert tale.wakes is None


def test_an_order_of_total_zero_needs_its_goods_and_no_payment() -> None:
    tale = Tale(price="0.00")
    assert tale.hear(RESERVED) == [InventoryCommit(ORDER, USER)]
    assert kinds(tale.hear(COMMITTED)) == ["order.paid"]
    assert tale.path == [Status.PENDING, Status.RESERVED, Status.AUTHORIZED, Status.CAPTURING, Status.PAID]
    assert tale.money() is PaymentStatus.NONE
    assert tale.wakes is None


def test_a_free_order_that_is_cancelled_gives_its_goods_back() -> None:
    tale = Tale(RESERVED, COMMITTED, price="0.00")
    assert tale.hear(CANCEL) == [InventoryRestock(ORDER, USER)]
    assert kinds(tale.hear(RESTOCKED)) == ["order.cancelled"]


def test_without_goods_it_is_rejected() -> None:
    tale = Tale()
    (told,) = tale.hear(REJECTED)
    assert isinstance(told, OrderRejected)
    assert told.shortages == [Shortage(PRODUCT, 1, 0)]
    assert (tale.path[-1], tale.wakes) == (Status.REJECTED, None)


def test_an_inventory_that_says_nothing_for_half_a_minute_is_not_waited_for() -> None:
    tale = Tale()
    told = tale.sleep()
    assert tale.time == NOON + timedelta(seconds=30)
    assert kinds(told) == ["order.rejected", "inventory.release"]
    assert tale.hear(RESERVED) == []
    assert tale.hear(RELEASED) == []
    assert (tale.path, tale.wakes) == ([Status.PENDING, Status.REJECTED], None)


def test_a_declined_card_ends_the_order_and_frees_its_goods() -> None:
    tale = Tale(RESERVED)
    assert tale.hear(NO_CARD) == [
        OrderPaymentFailed(ORDER, USER, TEN, "EUR", "card_declined"),
        InventoryRelease(ORDER, USER),
    ]
    assert tale.hear(RELEASED) == []
    assert (tale.path[-1], tale.wakes) == (Status.PAYMENT_FAILED, None)


def test_a_capture_that_is_refused_restocks_and_voids() -> None:
    tale = Tale(RESERVED, AUTHORIZED, COMMITTED)
    assert tale.hear(NO_MONEY) == [
        OrderPaymentFailed(ORDER, USER, TEN, "EUR", "card_declined"),
        InventoryRestock(ORDER, USER),
        PaymentVoid(ORDER, USER, TEN, "EUR"),
    ]
    tale.hear(RESTOCKED, VOIDED)
    assert (tale.money(), tale.wakes) == (PaymentStatus.VOIDED, None)


@pytest.mark.parametrize("before", [(RESERVED,), (RESERVED, AUTHORIZED)])
def test_a_reservation_that_expires_while_it_is_paid_voids(before: tuple[SagaEvent, ...]) -> None:
    tale = Tale(*before)
    told = tale.hear(EXPIRED)
    assert isinstance(told[0], OrderExpired)
    assert told[1:] == [PaymentVoid(ORDER, USER, TEN, "EUR")]
    assert tale.hear(VOIDED) == []
    assert (tale.path[-1], tale.money()) == (Status.EXPIRED, PaymentStatus.VOIDED)


def test_a_timeout_is_not_a_failure() -> None:
    tale = Tale(RESERVED)
    query = PaymentQuery(ORDER, USER, TEN, "EUR", PaymentOperation.AUTHORIZE)
    assert [tale.sleep() for _ in range(5)] == [[query]] * 5
    assert tale.order.status is Status.RESERVED
    assert kinds(tale.hear(AUTHORIZED)) == ["inventory.commit"]


def test_after_five_queries_the_order_does_without_its_authorization_which_is_voided() -> None:
    tale = Tale(RESERVED)
    for _ in range(5):
        tale.sleep()
    assert tale.sleep() == [
        OrderPaymentFailed(ORDER, USER, TEN, "EUR", "payment_unknown"),
        InventoryRelease(ORDER, USER),
        PaymentVoid(ORDER, USER, TEN, "EUR"),
    ]
    assert tale.time - NOON < timedelta(minutes=5), "long before the reservation expires"
    assert tale.hear(AUTHORIZED, RELEASED, VOIDED) == []
    assert (tale.money(), tale.wakes) == (PaymentStatus.VOIDED, None)


def test_an_unknown_outcome_is_asked_about_soon() -> None:
    tale = Tale(RESERVED, unknown(PaymentOperation.AUTHORIZE))
    assert kinds(tale.sleep()) == ["payment.query"]
    assert tale.time == NOON + timedelta(seconds=5)


def test_what_is_not_waited_for_may_be_unknown() -> None:
    tale = Tale(RESERVED)
    before = tale.wakes
    assert tale.hear(unknown(PaymentOperation.CAPTURE)) == []
    assert tale.wakes == before


def test_a_capture_is_asked_about_until_it_is_known() -> None:
    tale = Tale(RESERVED, AUTHORIZED, COMMITTED)
    for _ in range(50):
        assert tale.sleep() == [PaymentQuery(ORDER, USER, TEN, "EUR", PaymentOperation.CAPTURE)]
    assert tale.wakes == tale.time + timedelta(minutes=10)
    assert kinds(tale.hear(CAPTURED)) == ["order.paid"]


def test_what_is_asked_again_counts_as_of_when_it_was_asked_first() -> None:
    tale = Tale(RESERVED)
    tale.sleep()
    assert [send.time for send in tale.sends] == [NOON]


def test_what_comes_late_happens_no_earlier_than_what_has_happened_already() -> None:
    tale = Tale(RESERVED, AUTHORIZED, COMMITTED)
    tale.time += timedelta(seconds=40)
    tale.hear(CANCEL)
    cancelled = tale.time
    tale.time = NOON
    tale.hear(CAPTURED)
    assert [send.time for send in tale.sends] == [cancelled]
    assert [question.since for question in tale.order.questions] == [cancelled, cancelled]


def test_a_commit_is_repeated_until_it_is_answered() -> None:
    tale = Tale(RESERVED, AUTHORIZED)
    assert [tale.sleep() for _ in range(3)] == [[InventoryCommit(ORDER, USER)]] * 3


CANCELS = {
    "before anything is reserved": ((), [InventoryRelease], [RELEASED]),
    "before it is authorized": ((RESERVED,), [InventoryRelease, PaymentVoid], [RELEASED, VOIDED]),
    "before its goods have left": ((RESERVED, AUTHORIZED), [InventoryRelease, PaymentVoid], [RESTOCKED, VOIDED]),
    "while it is captured": ((RESERVED, AUTHORIZED, COMMITTED), [InventoryRestock], [RESTOCKED, NO_MONEY, VOIDED]),
}


@pytest.mark.parametrize(("before", "asked", "answers"), CANCELS.values(), ids=CANCELS.keys())
def test_a_cancelled_order_gives_back_what_it_holds_and_then_has_ended(
    before: tuple[SagaEvent, ...], asked: list[type], answers: list[SagaEvent]
) -> None:
    tale = Tale(*before)
    assert [type(told) for told in tale.hear(CANCEL)] == asked
    told = tale.hear(*answers[:-1])
    assert not any(isinstance(one, OrderCancelled) for one in told)
    assert tale.hear(answers[-1]) == [OrderCancelled(ORDER, USER, TEN, "EUR", "changed my mind")]
    assert tale.path[-2:] == [Status.CANCELLING, Status.CANCELLED]
    assert tale.wakes is None


def test_a_capture_that_comes_after_the_cancel_is_refunded_and_never_told_as_paid() -> None:
    tale = Tale(RESERVED, AUTHORIZED, COMMITTED, CANCEL)
    assert tale.waits_for == [Asked.CAPTURE, Asked.FREE]
    (refund,) = tale.hear(CAPTURED)
    assert isinstance(refund, PaymentRefund)
    assert refund.amount == TEN
    assert kinds(tale.hear(RESTOCKED, refunded(refund.refund_id))) == ["order.cancelled"]
    assert tale.money() is PaymentStatus.REFUNDED
    assert Status.PAID not in tale.path


def test_cancelling_a_paid_order_restocks_and_refunds() -> None:
    tale = Tale(*PAID)
    restock, refund = tale.hear(CANCEL)
    assert restock == InventoryRestock(ORDER, USER)
    assert isinstance(refund, PaymentRefund)
    assert tale.hear(refunded(refund.refund_id)) == []
    assert kinds(tale.hear(RESTOCKED)) == ["order.cancelled"]


def test_a_refund_that_is_stuck_does_not_hold_up_the_end_of_a_cancelled_order() -> None:
    tale = Tale(*PAID)
    _, refund = tale.hear(CANCEL, RESTOCKED)
    assert isinstance(refund, PaymentRefund)
    assert kinds(tale.hear(stuck(refund.refund_id))) == ["order.cancelled"]
    assert tale.money() is PaymentStatus.CAPTURED
    assert tale.hear(refunded(refund.refund_id)) == []
    assert tale.money() is PaymentStatus.REFUNDED


def test_cancelling_again_changes_nothing() -> None:
    tale = Tale(*PAID, CANCEL)
    again = OrderCancel(ORDER, "support", "twice")
    assert tale.hear(again) == []
    assert tale.order.reason == "changed my mind"
    assert tale.last.order is None


def test_a_void_that_is_refused_is_not_asked_for_again() -> None:
    tale = Tale(RESERVED, AUTHORIZED, EXPIRED, failed(PaymentOperation.VOID, "already_captured"))
    assert (tale.hear(EXPIRED), tale.wakes) == ([], None)
    assert kinds(tale.hear(CAPTURED)) == ["payment.refund"], "money of an order that has ended goes back"


def test_orphan_money_goes_back() -> None:
    tale = Tale(RESERVED, NO_CARD, RELEASED)
    (refund,) = tale.hear(CAPTURED)
    assert isinstance(refund, PaymentRefund)
    assert tale.hear(CAPTURED) == []
    tale.hear(failed(PaymentOperation.REFUND, refund_id=refund.refund_id))
    assert tale.hear(CAPTURED) == [], "the provider's no is for good"


ENDINGS: dict[Status, tuple[SagaEvent, ...]] = {
    Status.REJECTED: (REJECTED,),
    Status.EXPIRED: (RESERVED, AUTHORIZED, EXPIRED, VOIDED),
    Status.PAYMENT_FAILED: (RESERVED, NO_CARD, RELEASED),
    Status.PAID: PAID,
    Status.CANCELLED: (CANCEL, RELEASED),
}


@pytest.mark.parametrize(("status", "events"), ENDINGS.items())
def test_repeats_of_what_has_come_change_nothing(status: Status, events: tuple[SagaEvent, ...]) -> None:
    tale = Tale(*events)
    assert tale.order.status is status
    before = snapshot(tale.order)
    for event in events:
        assert tale.hear(event) == []
        assert snapshot(tale.order) == before


def snapshot(order: Order) -> str:
    return repr(order)
