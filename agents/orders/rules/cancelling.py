"""Cancelling an order, and giving back what an order that has ended still holds."""

from typing import Final
from uuid import UUID, uuid5

from agents.orders.events import OrderCancel
from agents.orders.order import NOTHING, Order, Refund
from agents.orders.rules.asking import answered, ask, awaits
from agents.orders.rules.change import Change
from agents.orders.rules.refunding import give_back, has_refund
from agents.orders.statuses import GIVEN_UP, NEXT, Asked, Authorization, RefundStatus, Status, Stock

BY: Final = "orders"


def cancel(change: Change, command: OrderCancel) -> None:
    """Somebody does not want it any more."""
    change.order.reason = command.reason
    change.become(Status.CANCELLING, command.by, command.reason or "cancelled")


def cancel_objection(order: Order, command: OrderCancel) -> str:
    """Why it cannot be."""
    return "" if Status.CANCELLING in NEXT[order.status] else f"an order that is {order.status} cannot be cancelled"


def is_cancelled(order: Order) -> bool:
    """Whether it is, or soon will be."""
    return order.status in {Status.CANCELLING, Status.CANCELLED}


def settle(change: Change) -> None:
    """Let an order that was given up have neither goods nor money. A capture under way is waited for."""
    order = change.order
    if order.status not in GIVEN_UP:
        return
    answered(order, Asked.RESERVE, Asked.AUTHORIZE, Asked.COMMIT)
    order.payment.payment_token = None
    if order.stock is not Stock.FREED and not awaits(order, Asked.FREE):
        ask(change, Asked.FREE)
    if not awaits(order, Asked.CAPTURE):
        _settle_money(change)


def rest_id(order: Order) -> UUID:
    """The id of the refund that gives back what a given up order still has; there is one."""
    return uuid5(order.id, "rest")


def _settle_money(change: Change) -> None:
    order, payment = change.order, change.order.payment
    if payment.captured:
        if payment.left > NOTHING and not has_refund(order, rest_id(order)):
            why = f"the order is {order.status}"
            give_back(change, Refund(rest_id(order), payment.left, RefundStatus.ASKED, BY, why))
    elif _may_be_set_aside(order) and payment.kept is None and not awaits(order, Asked.VOID):
        ask(change, Asked.VOID)


def _may_be_set_aside(order: Order) -> bool:
    return order.payment.authorization in {Authorization.ASKED, Authorization.GIVEN}
