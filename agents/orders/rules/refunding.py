"""Giving money back."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from agents.orders.events import OrderRefund
from agents.orders.order import NOTHING, Order, Refund
from agents.orders.rules.amounts import is_amount
from agents.orders.rules.asking import answered, ask_refund
from agents.orders.rules.change import Change
from agents.orders.rules.commands import refund_query
from agents.orders.statuses import REFUNDABLE, Asked, RefundStatus
from agents.payments.events import PaymentFailed, PaymentRefunded, PaymentRefundStuck

BY: Final = "payments"


def refund(change: Change, command: OrderRefund) -> None:
    """Somebody wants an order's money given back, or some of it. All of it is also what is stuck: payments are asked
    what has become of that."""
    order = change.order
    if command.amount is None:
        for stuck in order.payment.stuck:
            change.tell(refund_query(order, stuck))
    amount = _left(order) if command.amount is None else command.amount
    if amount > NOTHING:
        give_back(change, Refund(command.refund_id, amount, RefundStatus.ASKED, command.by, command.reason))
        change.touch()


def refund_objection(order: Order, command: OrderRefund) -> str:
    """Why it cannot be. The same refund again is no objection: `has_refund` tells."""
    left = order.payment.left
    if command.amount is None and order.payment.stuck:
        return ""
    if order.status not in REFUNDABLE:
        return f"an order that is {order.status} has nothing to refund"
    if left <= NOTHING:
        return "nothing is left to refund"
    if command.amount is not None and not (is_amount(command.amount) and NOTHING < command.amount <= left):
        return f"a refund is more than 0 and at most what is left, {left:f} {order.currency}"
    return ""


def _left(order: Order) -> Decimal:
    """What may be given back still. An order that was given up has its rest given back by itself."""
    return order.payment.left if order.status in REFUNDABLE else NOTHING


def has_refund(order: Order, id: UUID) -> bool:
    """Whether this refund is wanted already."""
    return any(one.id == id for one in order.payment.refunds)


def give_back(change: Change, refund: Refund) -> None:
    """Ask for a refund."""
    change.order.payment.refunds.append(refund)
    ask_refund(change, refund)


def refunded(change: Change, event: PaymentRefunded) -> None:
    """It has come through."""
    _become(change, event.refund_id, RefundStatus.DONE, f"refund {event.refund_id} is done")


def refund_stuck(change: Change, event: PaymentRefundStuck) -> None:
    """It does not come through."""
    _become(change, event.refund_id, RefundStatus.STUCK, f"refund {event.refund_id} is stuck: {event.code}")


def refund_failed(change: Change, event: PaymentFailed) -> None:
    """It will never come through."""
    _become(change, event.refund_id, RefundStatus.REFUSED, f"refund {event.refund_id} is refused: {event.code}")


def _become(change: Change, id: UUID | None, status: RefundStatus, why: str) -> None:
    change.by, change.why = BY, why
    answered(change.order, Asked.REFUND, refund_id=id)
    for one in change.order.payment.refunds:
        if one.id == id and one.status is not RefundStatus.DONE:
            one.status = status
