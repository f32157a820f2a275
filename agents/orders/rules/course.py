"""Where an order goes next, by what is known of it."""

from collections.abc import Callable, Mapping
from typing import Final

from agents.orders.events import OrderCancelled, OrderExpired, OrderPaid, OrderPaymentFailed, OrderRejected
from agents.orders.order import NOTHING
from agents.orders.rules.asking import ask
from agents.orders.rules.cancelling import settle
from agents.orders.rules.change import Change
from agents.orders.statuses import Asked, Authorization, Status, Stock

BY: Final = "orders"
FREE: Final = "nothing to pay"


def advance(change: Change) -> None:
    """As far as it goes."""
    while _STEPS.get(change.order.status, _stay)(change):
        pass
    settle(change)


def _stay(change: Change) -> bool:
    return False


def _pending(change: Change) -> bool:
    order = change.order
    if order.stock is Stock.FREED:
        reject(change)
    elif order.stock is Stock.ASKED:
        return False
    else:
        change.become(Status.RESERVED)
        if order.total > NOTHING:
            order.payment.authorization = Authorization.ASKED
            ask(change, Asked.AUTHORIZE)
    return True


def _reserved(change: Change) -> bool:
    order = change.order
    if order.stock is Stock.FREED:
        _expire(change)
    elif order.total == NOTHING:
        change.become(Status.AUTHORIZED, BY, FREE)
        ask(change, Asked.COMMIT)
    elif order.payment.authorization is Authorization.GIVEN:
        change.become(Status.AUTHORIZED)
        ask(change, Asked.COMMIT)
    elif order.payment.refusal is not None:
        _fail(change, order.payment.refusal)
    else:
        return False
    return True


def _authorized(change: Change) -> bool:
    order = change.order
    if order.stock is Stock.FREED:
        _expire(change)
    elif order.stock is Stock.COMMITTED:
        change.become(Status.CAPTURING)
        if order.total > NOTHING:
            ask(change, Asked.CAPTURE)
    else:
        return False
    return True


def _capturing(change: Change) -> bool:
    order = change.order
    if order.total == NOTHING:
        change.become(Status.PAID, BY, FREE)
        change.tell(OrderPaid(order.id, order.user_id, order.total, order.currency))
    elif order.payment.captured:
        change.become(Status.PAID)
        change.tell(OrderPaid(order.id, order.user_id, order.total, order.currency))
    elif order.payment.refusal is not None:
        _fail(change, order.payment.refusal)
    else:
        return False
    return True


def _cancelling(change: Change) -> bool:
    settle(change)
    order = change.order
    if order.questions:
        return False
    change.become(Status.CANCELLED, BY, "neither goods nor money are left to give back")
    change.tell(OrderCancelled(order.id, order.user_id, order.total, order.currency, order.reason))
    return True


def reject(change: Change) -> None:
    """The order ends because its goods cannot be had."""
    order = change.order
    change.become(Status.REJECTED)
    told = OrderRejected(order.id, order.user_id, order.total, order.currency, change.why, change.shortages)
    change.tell(told)


def _expire(change: Change) -> None:
    order = change.order
    change.become(Status.EXPIRED)
    change.tell(OrderExpired(order.id, order.user_id, order.total, order.currency, change.why))


def _fail(change: Change, code: str) -> None:
    order = change.order
    change.become(Status.PAYMENT_FAILED, why=code)
    change.tell(OrderPaymentFailed(order.id, order.user_id, order.total, order.currency, code))


_STEPS: Final[Mapping[Status, Callable[[Change], bool]]] = {
    Status.PENDING: _pending,
    Status.RESERVED: _reserved,
    Status.AUTHORIZED: _authorized,
    Status.CAPTURING: _capturing,
    Status.CANCELLING: _cancelling,
}
"""The step of each status: whether the order has moved. In the others an order rests."""
