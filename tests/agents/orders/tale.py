"""One order, told event by event to the rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from agents.inventory.events import (
    InventoryCommitted,
    InventoryExpired,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
    Shortage,
    StockLine,
)
from agents.orders.events import Address, Line, OrderCancel, OrderOverdue, OrderPlace
from agents.orders.order import Order
from agents.orders.rules.change import Decision, Moment
from agents.orders.rules.deciding import SagaEvent, decide
from agents.orders.rules.telling import Send
from agents.orders.statuses import Asked, PaymentStatus, RefundStatus, Status
from agents.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentOperation,
    PaymentRefunded,
    PaymentRefundStuck,
    PaymentUnknown,
    PaymentVoided,
)
from streams import Record

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER, USER, PRODUCT, PAYMENT, REFUND = (UUID(int=n) for n in range(1, 6))
HOME = Address("A", "1 Street", "Town", "1000", "NL")
TEN = Decimal("10.00")
LINES = [StockLine(PRODUCT, 1)]

RESERVED = InventoryReserved(ORDER, USER, LINES, NOON + timedelta(minutes=15))
REJECTED = InventoryRejected(ORDER, USER, [Shortage(PRODUCT, 1, 0)])
COMMITTED = InventoryCommitted(ORDER, USER, LINES)
RELEASED = InventoryReleased(ORDER, USER, LINES)
EXPIRED = InventoryExpired(ORDER, USER, LINES)
RESTOCKED = InventoryRestocked(ORDER, USER, LINES)
AUTHORIZED = PaymentAuthorized(PAYMENT, ORDER, USER, TEN, "EUR")
CAPTURED = PaymentCaptured(PAYMENT, ORDER, USER, TEN, "EUR")
VOIDED = PaymentVoided(PAYMENT, ORDER, USER, TEN, "EUR")
CANCEL = OrderCancel(ORDER, f"user {USER}", "changed my mind")
PAID = (RESERVED, AUTHORIZED, COMMITTED, CAPTURED)
"""What comes when all goes well."""


def command(*prices: str, quantity: int = 1) -> OrderPlace:
    """The command that places the order."""
    lines = [Line(PRODUCT, quantity, Decimal(price)) for price in prices]
    return OrderPlace(ORDER, USER, lines, "EUR", "sealed", HOME)


def failed(operation: PaymentOperation, code: str = "card_declined", refund_id: UUID | None = None) -> PaymentFailed:
    """A no to an operation."""
    return PaymentFailed(PAYMENT, ORDER, USER, TEN, "EUR", code, operation, refund_id)


def unknown(operation: PaymentOperation, refund_id: UUID | None = None) -> PaymentUnknown:
    """No answer of the provider to an operation."""
    return PaymentUnknown(PAYMENT, ORDER, USER, TEN, "EUR", "timeout", operation, refund_id)


def refunded(id: UUID, amount: Decimal = TEN) -> PaymentRefunded:
    """A refund has come through."""
    return PaymentRefunded(PAYMENT, ORDER, USER, amount, "EUR", id)


def stuck(id: UUID) -> PaymentRefundStuck:
    """A refund does not."""
    return PaymentRefundStuck(PAYMENT, ORDER, USER, TEN, "EUR", id, "no_such_account")


class Tale:
    """An order and its clock, which stands still unless told otherwise."""

    def __init__(self, *events: SagaEvent, price: str = "10.00") -> None:
        """Placed at noon; then come these events."""
        self.time = NOON
        self.existing: Order | None = None
        self.wakes: datetime | None = None
        self.last = Decision()
        self.hear(command(price), *events)

    @property
    def order(self) -> Order:
        assert self.existing is not None
        return self.existing

    def hear(self, *events: SagaEvent) -> list[Record]:
        """What is told when these events come, one after another."""
        told: list[Record] = []
        for event in events:
            self.last = decide(self.existing, event, Moment(self.time, self.time))
            self.existing = self.last.order or self.existing
            told += self.last.records
            self._set_clock()
        return told

    def _set_clock(self) -> None:
        if self.last.schedule is not None:
            self.wakes = self.last.schedule
        elif self.last.unschedule:
            self.wakes = None

    def sleep(self) -> list[Record]:
        """What is told when the due time comes."""
        assert self.wakes is not None, "the order waits for nothing"
        self.time, self.wakes = self.wakes, None
        return self.hear(OrderOverdue(ORDER))

    def money(self) -> PaymentStatus:
        """Where the money is."""
        return self.order.payment_status

    def refund(self) -> RefundStatus:
        """What has become of the only refund."""
        (refund,) = self.order.payment.refunds
        return refund.status

    @property
    def sends(self) -> tuple[Send, ...]:
        """What the last event set off."""
        return self.last.sends

    @property
    def path(self) -> list[Status]:
        """Every status so far."""
        return [step.status for step in self.order.history]

    @property
    def waits_for(self) -> list[Asked]:
        """What has not been answered yet."""
        return [question.what for question in self.order.questions]


def kinds(records: Sequence[Record]) -> list[str]:
    """The event names of records."""
    return [str(record.__event__) for record in records]
