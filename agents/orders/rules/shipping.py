"""Sending the goods, and where to."""

from agents.orders.events import OrderChangeAddress, OrderDeliver, OrderDelivered, OrderShip, OrderShipped
from agents.orders.order import Order
from agents.orders.rules.change import Change
from agents.orders.statuses import ADDRESSABLE, NEXT, Status


def ship(change: Change, command: OrderShip) -> None:
    """A carrier has it."""
    order = change.order
    order.carrier, order.tracking = command.carrier, command.tracking
    change.become(Status.SHIPPED, command.by, f"given to {command.carrier or 'a carrier'}")
    shipped = OrderShipped(order.id, order.user_id, order.total, order.currency, command.carrier, command.tracking)
    change.tell(shipped)


def ship_objection(order: Order, command: OrderShip) -> str:
    """Why it cannot be."""
    return "" if Status.SHIPPED in NEXT[order.status] else f"an order that is {order.status} cannot be shipped"


def deliver(change: Change, command: OrderDeliver) -> None:
    """It has arrived."""
    order = change.order
    change.become(Status.DELIVERED, command.by, "delivered")
    change.tell(OrderDelivered(order.id, order.user_id, order.total, order.currency))


def deliver_objection(order: Order, command: OrderDeliver) -> str:
    """Why it cannot be."""
    return "" if Status.DELIVERED in NEXT[order.status] else f"an order that is {order.status} cannot be delivered"


def change_address(change: Change, command: OrderChangeAddress) -> None:
    """It goes elsewhere."""
    change.order.shipping_address = command.shipping_address
    change.touch()


def address_objection(order: Order, command: OrderChangeAddress) -> str:
    """Why it cannot be."""
    if order.status in ADDRESSABLE:
        return ""
    return f"the address of an order that is {order.status} stays as it is"
