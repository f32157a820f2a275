"""From requests to the commands that move an order on: functions of values.

What an order's status does not allow is refused here already. It may change before the command is read; then the answer
is the event `order.command_refused`.
"""

from uuid import UUID, uuid5

from agents.auth.tokens import Caller
from agents.orders.events import Address, OrderCancel, OrderChangeAddress, OrderDeliver, OrderRefund, OrderShip
from agents.orders.order import NOTHING, Order, Refund
from agents.orders.statuses import ADDRESSABLE, NEXT, REFUNDABLE, Status
from api.currencies import is_coin, places_of
from api.order_command_bodies import CancelOrder, ChangeOrder, RefundOrder, ShipOrder
from api.problems import Problem


def change_address(order: Order, request: ChangeOrder, caller: Caller | None) -> OrderChangeAddress:
    """Raises Problem (409)."""
    _require(order, order.status in ADDRESSABLE, "its address changed: it can until it is AUTHORIZED")
    return OrderChangeAddress(order.id, who(caller), Address(**request.shipping_address.model_dump()))


def cancel(order: Order, request: CancelOrder | None, caller: Caller | None) -> OrderCancel:
    """Raises Problem (409)."""
    over = order.status in {Status.CANCELLING, Status.CANCELLED}
    _require(order, over or Status.CANCELLING in NEXT[order.status], "it cancelled: it can until it is SHIPPED")
    return OrderCancel(order.id, who(caller), request.reason if request else None)


def ship(order: Order, request: ShipOrder, caller: Caller | None) -> OrderShip:
    """Raises Problem (409)."""
    _require(order, Status.SHIPPED in NEXT[order.status], "it shipped: it can while it is PAID")
    return OrderShip(order.id, who(caller), request.carrier, request.tracking)


def deliver(order: Order, caller: Caller | None) -> OrderDeliver:
    """Raises Problem (409)."""
    _require(order, Status.DELIVERED in NEXT[order.status], "it delivered: it can while it is SHIPPED")
    return OrderDeliver(order.id, who(caller))


def refund(order: Order, request: RefundOrder, id: UUID, caller: Caller | None) -> OrderRefund:
    """Raises Problem: 422 for what is not paid in its currency, or where the refund is there with another amount, 409
    unless it is there already, or all is wanted and some of it is stuck."""
    if request.amount is not None and not is_coin(request.amount, order.currency):
        detail = f"{order.currency} has {places_of(order.currency)} decimal places: {request.amount:f} has more"
        raise Problem(422, "too_fine", detail)
    known = next((one for one in order.payment.refunds if one.id == id), None)
    if known is not None:
        _require_same(order, known, request)
    elif not (request.amount is None and order.payment.stuck):
        _require(order, order.status in REFUNDABLE, "money given back: it can while it is PAID, SHIPPED or DELIVERED")
        left = order.payment.left
        if not NOTHING < (left if request.amount is None else request.amount) <= left:
            detail = f"{left:f} {order.currency} of order {order.id} can be given back: ask for no more"
            raise Problem(409, "too_much", detail)
    return OrderRefund(order.id, id, who(caller), request.amount, request.reason)


def refund_id(order_id: UUID, key: str) -> UUID:
    """One key is one refund of an order."""
    return uuid5(order_id, f"refund/{key}")


def who(caller: Caller | None) -> str:
    """Whom the history names."""
    return f"user {caller.user_id}" if caller else "somebody"


def _require(order: Order, fits: bool, what: str) -> None:
    if not fits:
        raise Problem(409, "wrong_status", f"order {order.id} is {order.status} and cannot have {what}")


def _require_same(order: Order, known: Refund, request: RefundOrder) -> None:
    """Whoever uses another's key, or their own of long ago, would be told of a refund that does not come."""
    if request.amount is not None and request.amount != known.amount:
        detail = (
            f"this Idempotency-Key has given back {known.amount:f} {order.currency} of order {order.id}: "
            "use a new key for another refund"
        )
        raise Problem(422, "idempotency_key_reused", detail)
