"""Which event makes which notification, as functions of values."""

from typing import Any, Final

from agents.notifications.tables import Channel, Notification, Status
from agents.orders.events import OrderCreated, OrderPaid, OrderPaymentFailed

TEMPLATES: Final[dict[type, str]] = {
    OrderCreated: "order_received",
    OrderPaid: "order_paid",
    OrderPaymentFailed: "order_payment_failed",
}


def notification(event: OrderCreated | OrderPaid | OrderPaymentFailed) -> Notification:
    """The mail that an event asks for. Its id says of what, with what and to whom: there is one of each."""
    template = TEMPLATES[type(event)]
    recipient = str(event.user_id)
    return Notification(
        id=f"{event.order_id}:{template}:{Channel.EMAIL}:{recipient}",
        type=Channel.EMAIL,
        recipient=recipient,
        template=template,
        data=data_of(event),
        status=Status.KEPT,
    )


def data_of(event: OrderCreated | OrderPaid | OrderPaymentFailed) -> dict[str, Any]:
    """What the template is filled with."""
    data = {"orderId": str(event.order_id), "total": str(event.total), "currency": event.currency}
    if isinstance(event, OrderPaymentFailed):
        data["reason"] = event.reason
    return data
