"""Commands that fit, and those that do not."""

from decimal import Decimal
from uuid import UUID

import pytest

from agents.orders.events import (
    Address,
    OrderCancel,
    OrderChangeAddress,
    OrderCommandRefused,
    OrderDeliver,
    OrderDelivered,
    OrderRefund,
    OrderShip,
    OrderShipped,
)
from agents.orders.rules.change import Moment
from agents.orders.rules.deciding import Command, SagaEvent, decide
from agents.orders.statuses import PaymentStatus, RefundStatus, Status
from agents.payments.events import PaymentOperation, PaymentQuery, PaymentRefund
from tests.agents.orders.tale import (
    AUTHORIZED,
    CANCEL,
    COMMITTED,
    HOME,
    NOON,
    ORDER,
    PAID,
    REFUND,
    REJECTED,
    RESERVED,
    RESTOCKED,
    TEN,
    USER,
    Tale,
    failed,
    kinds,
    refunded,
    stuck,
    unknown,
)

ELSEWHERE = Address("B", "2 Street", "City", "2000", "BE")
SHIP = OrderShip(ORDER, "warehouse w", "PostNL", "3S1")
DELIVER = OrderDeliver(ORDER, "warehouse w")
MOVE = OrderChangeAddress(ORDER, f"user {USER}", ELSEWHERE)
ALL = OrderRefund(ORDER, REFUND, "support s")
OTHER = UUID(int=77)


def part(amount: str, id: UUID = REFUND) -> OrderRefund:
    return OrderRefund(ORDER, id, "support s", Decimal(amount), "broken")


def test_a_paid_order_is_shipped_and_delivered() -> None:
    tale = Tale(*PAID)
    assert tale.hear(SHIP) == [OrderShipped(ORDER, USER, TEN, "EUR", "PostNL", "3S1")]
    assert tale.hear(DELIVER) == [OrderDelivered(ORDER, USER, TEN, "EUR")]
    assert [(step.status, step.by) for step in tale.order.history[-2:]] == [
        (Status.SHIPPED, "warehouse w"),
        (Status.DELIVERED, "warehouse w"),
    ]
    assert (tale.order.carrier, tale.order.tracking) == ("PostNL", "3S1")


REFUSED: list[tuple[tuple[SagaEvent, ...], Command, str]] = [
    ((RESERVED,), SHIP, "an order that is RESERVED cannot be shipped"),
    ((*PAID, SHIP), SHIP, "an order that is SHIPPED cannot be shipped"),
    (PAID, DELIVER, "an order that is PAID cannot be delivered"),
    ((*PAID, SHIP), CANCEL, "an order that is SHIPPED cannot be cancelled"),
    ((REJECTED,), CANCEL, "an order that is REJECTED cannot be cancelled"),
    ((RESERVED, AUTHORIZED), MOVE, "the address of an order that is AUTHORIZED stays as it is"),
    ((RESERVED, AUTHORIZED, COMMITTED), ALL, "an order that is CAPTURING has nothing to refund"),
    ((*PAID, CANCEL), ALL, "an order that is CANCELLING has nothing to refund"),
    ((*PAID, ALL), part("1.00", OTHER), "nothing is left to refund"),
    (PAID, part("10.01"), "at most what is left, 10.00 EUR"),
    ((*PAID, part("9.00")), part("1.01", OTHER), "at most what is left, 1.00 EUR"),
    (PAID, part("0.00"), "more than 0"),
    (PAID, part("NaN"), "more than 0"),
]


@pytest.mark.parametrize(("before", "late", "reason"), REFUSED)
def test_a_command_that_does_not_fit_is_refused_and_changes_nothing(
    before: tuple[SagaEvent, ...], late: Command, reason: str
) -> None:
    tale = Tale(*before)
    version = tale.order.version
    (told,) = tale.hear(late)
    assert isinstance(told, OrderCommandRefused)
    assert (told.user_id, told.command, told.by) == (USER, late.__event__, late.by)
    assert reason in told.reason
    assert tale.order.version == version


@pytest.mark.parametrize("late", [CANCEL, SHIP, DELIVER, MOVE, ALL])
def test_a_command_for_an_order_that_is_not_there_is_refused(late: Command) -> None:
    (told,) = decide(None, late, Moment(NOON, NOON)).records
    assert told == OrderCommandRefused(ORDER, None, str(late.__event__), "there is no such order", late.by)


@pytest.mark.parametrize("before", [(), (RESERVED,)])
def test_an_address_may_change_until_the_money_is_set_aside(before: tuple[SagaEvent, ...]) -> None:
    tale = Tale(*before)
    version = tale.order.version
    assert tale.order.shipping_address == HOME
    assert tale.hear(MOVE) == []
    assert (tale.order.shipping_address, tale.order.version) == (ELSEWHERE, version + 1)
    assert tale.hear(MOVE) == []
    assert tale.order.version == version + 1


def test_a_whole_refund_gives_back_all_that_is_left() -> None:
    tale = Tale(*PAID)
    assert tale.hear(ALL) == [PaymentRefund(ORDER, USER, TEN, "EUR", REFUND)]
    assert tale.money() is PaymentStatus.CAPTURED
    assert tale.hear(refunded(REFUND)) == []
    assert (tale.order.status, tale.money()) == (Status.PAID, PaymentStatus.REFUNDED)
    assert tale.wakes is None


def test_refunds_add_up() -> None:
    tale = Tale(*PAID, SHIP, DELIVER)
    assert kinds(tale.hear(part("4.00"), part("6.00", OTHER))) == ["payment.refund"] * 2
    tale.hear(refunded(REFUND, Decimal("4.00")))
    assert tale.money() is PaymentStatus.PARTIALLY_REFUNDED
    tale.hear(refunded(OTHER, Decimal("6.00")))
    assert tale.money() is PaymentStatus.REFUNDED
    assert tale.order.payment.left == 0


def test_the_same_refund_again_changes_nothing() -> None:
    tale = Tale(*PAID, part("4.00"))
    assert tale.hear(part("5.00")) == []
    assert tale.order.payment.left == Decimal("6.00")


def test_a_refund_is_asked_about_until_it_is_known() -> None:
    tale = Tale(*PAID, part("4.00"), unknown(PaymentOperation.REFUND, REFUND))
    query = PaymentQuery(ORDER, USER, Decimal("4.00"), "EUR", PaymentOperation.REFUND, REFUND)
    assert [tale.sleep() for _ in range(8)] == [[query]] * 8
    assert tale.hear(refunded(REFUND, Decimal("4.00"))) == []
    assert tale.wakes is None


def test_a_stuck_refund_is_nobodys_to_give_back_again_and_may_still_come_through() -> None:
    tale = Tale(*PAID, part("4.00"), stuck(REFUND))
    assert tale.refund() is RefundStatus.STUCK
    assert tale.order.payment.left == Decimal("6.00")
    tale.hear(refunded(REFUND, Decimal("4.00")), stuck(REFUND))
    assert tale.refund() is RefundStatus.DONE


def test_who_wants_all_of_it_back_has_payments_asked_what_became_of_a_stuck_refund() -> None:
    tale = Tale(*PAID, part("4.00"), stuck(REFUND))
    query = PaymentQuery(ORDER, USER, Decimal("4.00"), "EUR", PaymentOperation.REFUND, REFUND)
    assert tale.hear(OrderRefund(ORDER, OTHER, "support s")) == [
        query,
        PaymentRefund(ORDER, USER, Decimal("6.00"), "EUR", OTHER),
    ]
    tale.hear(refunded(OTHER, Decimal("6.00")))
    version = tale.order.version
    assert tale.hear(OrderRefund(ORDER, UUID(int=99), "support s")) == [query]
    assert (tale.order.version, tale.wakes) == (version, None)
    tale.hear(refunded(REFUND, Decimal("4.00")))
    assert tale.money() is PaymentStatus.REFUNDED
    assert kinds(tale.hear(OrderRefund(ORDER, UUID(int=99), "support s"))) == ["order.command_refused"]


def test_a_cancelled_order_whose_money_is_stuck_can_be_asked_after() -> None:
    tale = Tale(*PAID)
    _, rest = tale.hear(CANCEL)
    assert isinstance(rest, PaymentRefund)
    tale.hear(RESTOCKED, stuck(rest.refund_id))
    assert tale.order.status is Status.CANCELLED
    assert kinds(tale.hear(part("4.00", OTHER))) == ["order.command_refused"]
    assert kinds(tale.hear(OrderRefund(ORDER, OTHER, "support s"))) == ["payment.query"]
    tale.hear(refunded(rest.refund_id))
    assert (tale.order.status, tale.money()) == (Status.CANCELLED, PaymentStatus.REFUNDED)


def test_a_refund_that_is_refused_leaves_its_money_to_others() -> None:
    tale = Tale(*PAID, ALL, failed(PaymentOperation.REFUND, "no_such_capture", REFUND))
    assert tale.order.payment.left == TEN
    assert kinds(tale.hear(part("10.00", OTHER))) == ["payment.refund"]


def test_a_cancel_refunds_what_others_have_not_asked_for() -> None:
    tale = Tale(*PAID, part("4.00"))
    _, refund = tale.hear(OrderCancel(ORDER, "support s"))
    assert isinstance(refund, PaymentRefund)
    assert refund.amount == Decimal("6.00")
    assert tale.order.history[-1].why == "cancelled"
