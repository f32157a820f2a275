"""From an event to what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.inventory.events import (
    InventoryCommitted,
    InventoryExpired,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
)
from agents.orders.events import (
    OrderCancel,
    OrderChangeAddress,
    OrderCommandRefused,
    OrderDeliver,
    OrderOverdue,
    OrderPlace,
    OrderRefund,
    OrderShip,
)
from agents.orders.order import Order
from agents.orders.rules.asking import unknown
from agents.orders.rules.cancelling import cancel, cancel_objection, is_cancelled
from agents.orders.rules.change import NOTHING, Change, Decision, Moment
from agents.orders.rules.course import advance
from agents.orders.rules.overdue import next_alarm, overdue
from agents.orders.rules.paying import authorized, captured, failed, voided
from agents.orders.rules.placing import place, refusal
from agents.orders.rules.refunding import has_refund, refund, refund_objection, refund_stuck, refunded
from agents.orders.rules.shipping import (
    address_objection,
    change_address,
    deliver,
    deliver_objection,
    ship,
    ship_objection,
)
from agents.orders.rules.stocking import committed, expired, freed, rejected, reserved
from agents.orders.rules.telling import Send
from agents.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundStuck,
    PaymentUnknown,
    PaymentVoided,
)
from streams.codec import event_type

Command = OrderCancel | OrderShip | OrderDeliver | OrderRefund | OrderChangeAddress
Answer = (
    OrderOverdue
    | InventoryReserved
    | InventoryRejected
    | InventoryCommitted
    | InventoryReleased
    | InventoryExpired
    | InventoryRestocked
    | PaymentAuthorized
    | PaymentCaptured
    | PaymentFailed
    | PaymentUnknown
    | PaymentVoided
    | PaymentRefunded
    | PaymentRefundStuck
)
SagaEvent = OrderPlace | Command | Answer
"""What the saga reads."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with a command, why not, and whether it is done already."""

    do: Callable[[Change, Any], None]
    objection: Callable[[Order, Any], str]
    done: Callable[[Order, Any], bool] = lambda order, command: False


COMMANDS: Final[Mapping[type[Command], Rule]] = {
    OrderCancel: Rule(cancel, cancel_objection, lambda order, _: is_cancelled(order)),
    OrderShip: Rule(ship, ship_objection),
    OrderDeliver: Rule(deliver, deliver_objection),
    OrderRefund: Rule(refund, refund_objection, lambda order, command: has_refund(order, command.refund_id)),
    OrderChangeAddress: Rule(
        change_address, address_objection, lambda order, command: order.shipping_address == command.shipping_address
    ),
}
ANSWERS: Final[Mapping[type[Answer], Callable[[Change, Any], None]]] = {
    InventoryReserved: reserved,
    InventoryRejected: rejected,
    InventoryCommitted: committed,
    InventoryReleased: freed,
    InventoryRestocked: freed,
    InventoryExpired: expired,
    PaymentAuthorized: authorized,
    PaymentCaptured: captured,
    PaymentFailed: failed,
    PaymentUnknown: unknown,
    PaymentVoided: voided,
    PaymentRefunded: refunded,
    PaymentRefundStuck: refund_stuck,
    OrderOverdue: overdue,
}


def decide(order: Order | None, event: SagaEvent, moment: Moment) -> Decision:
    """What an event does to an order, None where there is none yet."""
    if isinstance(event, OrderPlace):
        return _place(order, event, moment)
    if isinstance(event, Command):
        return _command(order, event, moment)
    if order is None:
        return NOTHING
    change = Change(order, moment)
    ANSWERS[type(event)](change, event)
    return _decision(change)


def _place(order: Order | None, command: OrderPlace, moment: Moment) -> Decision:
    """The same order again changes nothing."""
    if order is not None:
        return NOTHING
    refused = refusal(command)
    return Decision(sends=(Send(refused),)) if refused else _decision(place(command, moment))


def _command(order: Order | None, command: Command, moment: Moment) -> Decision:
    if order is None:
        return _refused(None, command, "there is no such order")
    rule = COMMANDS[type(command)]
    if rule.done(order, command):
        return NOTHING
    objection = rule.objection(order, command)
    if objection:
        return _refused(order, command, objection)
    change = Change(order, moment)
    rule.do(change, command)
    return _decision(change)


def _refused(order: Order | None, command: Command, reason: str) -> Decision:
    user, name = order.user_id if order else None, event_type(type(command)) or ""
    return Decision(sends=(Send(OrderCommandRefused(command.order_id, user, name, reason, command.by)),))


def _decision(change: Change) -> Decision:
    advance(change)
    order = change.order
    if order.payment_status is not order.payment.status:
        order.payment_status = order.payment.status
        change.touch()
    standing, wanted = order.alarm, next_alarm(order)
    earlier = wanted is not None and (standing is None or wanted < standing)
    if earlier or wanted is None:
        order.alarm = wanted
    return Decision(
        order,
        tuple(change.sends),
        schedule=wanted if earlier else None,
        unschedule=wanted is None and standing is not None,
    )
