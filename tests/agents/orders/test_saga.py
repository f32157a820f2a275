"""The saga from end to end, with the real services: each ending."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from agents.orders.events import OrderCancel, OrderDeliver, OrderRefund, OrderShip
from agents.orders.order import Order
from agents.orders.statuses import PaymentStatus, RefundStatus, Status
from agents.payments.till import till
from tests.agents.market import Market, SlowProvider, on_the_market

REFUND = UUID(int=500)
ALL_GOES_WELL = ["PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID"]


def path(order: Order) -> list[str]:
    return [str(step.status) for step in order.history]


def of_shop(told: list[str]) -> list[str]:
    """Without notifications and products."""
    return [type for type in told if type.partition(".")[0] in {"order", "inventory", "payment"}]


@on_the_market()
async def test_an_order_is_paid_shipped_and_delivered(market: Market) -> None:
    id = await market.place(1)
    order = await market.until(id, "PAID", within=5)
    assert path(order) == ALL_GOES_WELL
    assert order.payment_status is PaymentStatus.CAPTURED
    assert await market.stock() == (9, 0)
    await market.tell(OrderShip(id, "warehouse", "PostNL", "3S1"), id)
    await market.until(id, "SHIPPED")
    await market.tell(OrderDeliver(id, "warehouse"), id)
    await market.until(id, "DELIVERED")
    assert of_shop(await market.told()) == [
        "order.created",
        "inventory.reserved",
        "payment.authorized",
        "inventory.committed",
        "payment.captured",
        "order.paid",
        "order.shipped",
        "order.delivered",
    ]


@on_the_market()
async def test_an_order_that_costs_nothing_takes_its_goods(market: Market) -> None:
    id = await market.place(1, price="0.00")
    order = await market.until(id, "PAID")
    assert (path(order), order.payment_status) == (ALL_GOES_WELL, PaymentStatus.NONE)
    assert await market.stock() == (9, 0)


@on_the_market()
async def test_more_than_there_is_is_rejected(market: Market) -> None:
    id = await market.place(1, quantity=11)
    assert path(await market.until(id, "REJECTED")) == ["PENDING", "REJECTED"]
    assert await market.stock() == (10, 0)


@on_the_market()
async def test_a_declined_card_ends_the_order(market: Market) -> None:
    id = await market.place(1, "tok_decline")
    order = await market.until(id, "PAYMENT_FAILED")
    assert (order.history[-1].by, order.history[-1].why) == ("payments", "card_declined")
    await asyncio.sleep(1)
    assert await market.stock() == (10, 0)


@on_the_market()
async def test_a_card_that_hangs_past_the_due_time_is_asked_about_and_then_done_without(market: Market) -> None:
    id = await market.place(1, "tok_hang")
    order = await market.until(id, "PAYMENT_FAILED")
    assert order.history[-1].why == "payment_unknown"
    await asyncio.sleep(60)
    order = await market.order(id)
    assert (order.questions, order.payment_status) == ([], PaymentStatus.VOIDED)
    assert await market.stock() == (10, 0)


@on_the_market()
async def test_an_answer_that_was_lost_is_found_again(market: Market) -> None:
    id = await market.place(1, "tok_lost")
    await market.until(id, "PAID", within=30)
    assert of_shop(await market.told()).count("payment.authorized") == 1


@on_the_market()
async def test_a_capture_whose_answer_was_lost_counts_once(market: Market) -> None:
    id = await market.place(1, "tok_lost_capture")
    await market.until(id, "PAID", within=30)
    assert of_shop(await market.told()).count("payment.captured") == 1


@on_the_market()
async def test_a_card_that_works_at_the_third_try_is_paid_with(market: Market) -> None:
    id = await market.place(1, "tok_flaky")
    await market.until(id, "PAID", within=30)


@on_the_market(hold=timedelta(seconds=20))
async def test_a_reservation_that_expires_in_the_middle_of_payment_ends_the_order_and_voids(market: Market) -> None:
    with till.served_by(SlowProvider(25)):
        id = await market.place(1)
        order = await market.until(id, "EXPIRED")
        await asyncio.sleep(120)
        order = await market.order(id)
    assert path(order) == ["PENDING", "RESERVED", "EXPIRED"]
    assert (order.payment_status, order.questions) == (PaymentStatus.VOIDED, [])
    assert await market.stock() == (10, 0)


@on_the_market()
async def test_a_capture_that_is_refused_restocks_and_voids(market: Market) -> None:
    id = await market.place(1, "tok_decline_capture")
    await market.until(id, "PAYMENT_FAILED")
    await asyncio.sleep(1)
    order = await market.order(id)
    assert (order.payment_status, order.questions) == (PaymentStatus.VOIDED, [])
    assert await market.stock() == (10, 0)
    assert "inventory.restocked" in await market.told()


@on_the_market()
async def test_a_capture_that_comes_after_the_cancel_is_refunded(market: Market) -> None:
    id = await market.place(1, "tok_lost_capture")
    await market.until(id, "CAPTURING")
    await market.tell(OrderCancel(id, "user", "changed my mind"), id)
    order = await market.until(id, "CANCELLED")
    assert path(order) == ["PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "CANCELLING", "CANCELLED"]
    assert order.payment_status is PaymentStatus.REFUNDED
    assert await market.stock() == (10, 0)
    assert "order.paid" not in await market.told()


@on_the_market()
async def test_cancelling_before_the_capture_voids_and_releases(market: Market) -> None:
    id = await market.place(1, "tok_hang")
    await market.until(id, "RESERVED")
    await market.tell(OrderCancel(id, "user"), id)
    order = await market.until(id, "CANCELLED")
    assert order.payment_status is PaymentStatus.VOIDED
    assert await market.stock() == (10, 0)


@on_the_market()
async def test_cancelling_a_paid_order_refunds_and_restocks(market: Market) -> None:
    id = await market.place(1)
    await market.until(id, "PAID")
    await market.tell(OrderCancel(id, "user"), id)
    order = await market.until(id, "CANCELLED")
    assert order.payment_status is PaymentStatus.REFUNDED
    assert await market.stock() == (10, 0)


@on_the_market()
async def test_a_refund_of_a_part_and_then_of_the_rest(market: Market) -> None:
    id = await market.place(1)
    await market.until(id, "PAID")
    await market.tell(OrderRefund(id, REFUND, "support", Decimal("4.00"), "broken"), id)
    await asyncio.sleep(1)
    assert (await market.order(id)).payment_status is PaymentStatus.PARTIALLY_REFUNDED
    await market.tell(OrderRefund(id, UUID(int=501), "support"), id)
    await asyncio.sleep(1)
    order = await market.order(id)
    assert (order.status, order.payment_status) == (Status.PAID, PaymentStatus.REFUNDED)
    assert [(refund.amount, refund.status) for refund in order.payment.refunds] == [
        (Decimal("4.00"), RefundStatus.DONE),
        (Decimal("6.00"), RefundStatus.DONE),
    ]


@on_the_market()
async def test_a_refund_that_does_not_come_through_is_stuck(market: Market) -> None:
    id = await market.place(1, "tok_hang_refund")
    await market.until(id, "PAID")
    await market.tell(OrderRefund(id, REFUND, "support"), id)
    await asyncio.sleep(600)
    order = await market.order(id)
    assert (order.payment_status, order.questions) == (PaymentStatus.CAPTURED, [])
    assert order.payment.refunds[0].status is RefundStatus.STUCK
    assert of_shop(await market.told()).count("payment.refund_stuck") == 1


@on_the_market()
async def test_a_command_that_does_not_fit_is_told_as_refused(market: Market) -> None:
    id = await market.place(1)
    await market.until(id, "PAID")
    await market.tell(OrderDeliver(id, "warehouse"), id)
    await market.tell(OrderCancel(UUID(int=1000), "nobody"), UUID(int=1000))
    await asyncio.sleep(1)
    assert of_shop(await market.told()).count("order.command_refused") == 2
    assert (await market.order(id)).status is Status.PAID
