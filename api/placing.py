"""From a request to the command that places an order: functions of values."""

from collections.abc import Mapping
from uuid import UUID, uuid5

from agents.inventory.tables import Offer
from agents.orders.events import Address, Line, OrderPlace
from agents.orders.order import DEAREST, Order
from agents.payments.seal import seal
from api.order_bodies import PlaceOrder, Wanted
from api.problems import Problem


def order_id_of(user_id: UUID, key: str) -> UUID:
    """One key of one user is one order."""
    return uuid5(user_id, key)


def message_id_of(order_id: UUID) -> str:
    """The same however often the order is placed, so that readers know a repeat."""
    return str(uuid5(order_id, "order.place"))


def command_of(request: PlaceOrder, order_id: UUID, offers: Mapping[UUID, Offer]) -> OrderPlace:
    """The command, at the prices of these offers, its payment token sealed. Raises Problem (422)."""
    items = [_line(index, wanted, request.currency, offers) for index, wanted in enumerate(request.items)]
    if sum(line.price * line.quantity for line in items) >= DEAREST:
        raise Problem(422, "total_too_large", f"an order's total is below {DEAREST:,}: order less at a time")
    return OrderPlace(
        order_id=order_id,
        user_id=request.user_id,
        items=items,
        currency=request.currency,
        payment_token=seal.close(request.payment_token, order_id),
        shipping_address=Address(**request.shipping_address.model_dump()),
    )


def _line(index: int, wanted: Wanted, currency: str, offers: Mapping[UUID, Offer]) -> Line:
    product = offers.get(wanted.product_id)
    if product is None:
        detail = f"items.{index}: there is no product {wanted.product_id}: see /api/products"
        raise Problem(422, "unknown_product", detail)
    if product.currency != currency:
        detail = f"items.{index}: {product.name!r} is sold in {product.currency}, the order is in {currency}"
        raise Problem(422, "other_currency", detail)
    return Line(product.id, wanted.quantity, product.price)


def check_same(order: Order, command: OrderPlace) -> None:
    """Raises Problem (422) where a key is used again for another order. Prices do not count: they may have changed."""
    if _asked(order) != _asked(command):
        detail = f"this Idempotency-Key has placed order {order.id}, which is another: use a new key for a new order"
        raise Problem(422, "idempotency_key_reused", detail)


def _asked(order: Order | OrderPlace) -> tuple[object, ...]:
    return [(line.product_id, line.quantity) for line in order.items], order.currency, order.shipping_address
