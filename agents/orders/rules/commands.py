"""What the saga asks other services, in their words."""

from collections.abc import Callable, Mapping
from typing import Final

from agents.inventory.events import InventoryCommit, InventoryRelease, InventoryRestock
from agents.orders.order import Order, Question, Refund
from agents.orders.rules.telling import Request
from agents.orders.statuses import Asked, Stock
from agents.payments.events import (
    PaymentAuthorize,
    PaymentCapture,
    PaymentOperation,
    PaymentQuery,
    PaymentRefund,
    PaymentVoid,
)

OPERATIONS: Final[Mapping[Asked, PaymentOperation]] = {
    Asked.AUTHORIZE: PaymentOperation.AUTHORIZE,
    Asked.CAPTURE: PaymentOperation.CAPTURE,
    Asked.VOID: PaymentOperation.VOID,
    Asked.REFUND: PaymentOperation.REFUND,
}
"""What payments are asked."""
ASKED: Final[Mapping[PaymentOperation, Asked]] = {operation: asked for asked, operation in OPERATIONS.items()}
"""The same, the other way round."""


def commit(order: Order) -> Request:
    """Its goods are to leave the stock."""
    return InventoryCommit(order.id, order.user_id)


def free(order: Order) -> Request:
    """Its goods are to go back, wherever they are."""
    command = InventoryRestock if order.stock is Stock.COMMITTED else InventoryRelease
    return command(order.id, order.user_id)


def authorize(order: Order) -> Request:
    """Its money is to be set aside."""
    token = order.payment.payment_token or ""
    return PaymentAuthorize(order.id, order.user_id, order.total, order.currency, token)


def capture(order: Order) -> Request:
    """Its money is to be taken."""
    return PaymentCapture(order.id, order.user_id, order.total, order.currency)


def void(order: Order) -> Request:
    """Its money is to be let go."""
    return PaymentVoid(order.id, order.user_id, order.total, order.currency)


def refund(order: Order, wanted: Refund) -> Request:
    """Some of its money is to be given back."""
    return PaymentRefund(order.id, order.user_id, wanted.amount, order.currency, wanted.id)


def query(order: Order, question: Question) -> Request:
    """What has become of what payments were asked?"""
    amounts = (one.amount for one in order.payment.refunds if one.id == question.refund_id)
    return PaymentQuery(
        order.id,
        order.user_id,
        next(amounts, order.total),
        order.currency,
        OPERATIONS[question.what],
        question.refund_id,
    )


def refund_query(order: Order, wanted: Refund) -> Request:
    """What has become of a refund?"""
    return PaymentQuery(order.id, order.user_id, wanted.amount, order.currency, PaymentOperation.REFUND, wanted.id)


FIRST: Final[Mapping[Asked, Callable[[Order], Request]]] = {
    Asked.AUTHORIZE: authorize,
    Asked.COMMIT: commit,
    Asked.CAPTURE: capture,
    Asked.FREE: free,
    Asked.VOID: void,
}
"""How something is asked for. The request to reserve is `order.created`, and refunds have a number each."""
