"""An inventory and a payments service for one order, as simple as they can be, which the stateful test asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from agents.inventory.events import InventoryCommit, InventoryRelease, InventoryRestock
from agents.orders.events import OrderCreated
from agents.orders.rules.deciding import SagaEvent
from agents.payments.events import (
    PaymentAuthorize,
    PaymentCapture,
    PaymentOperation,
    PaymentQuery,
    PaymentRefund,
    PaymentVoid,
)
from streams import Record
from tests.agents.orders.tale import (
    AUTHORIZED,
    CAPTURED,
    COMMITTED,
    EXPIRED,
    REJECTED,
    RELEASED,
    RESERVED,
    RESTOCKED,
    VOIDED,
    failed,
    refunded,
    stuck,
    unknown,
)


@dataclass
class Inventory:
    """Holds, commits and frees the goods of one order, in the order it is asked."""

    held: bool = False
    gone: bool = False
    over: SagaEvent | None = None
    """What it answers once there is nothing more to do."""

    def hear(self, record: Record, enough: bool) -> SagaEvent:
        """Its answer; `enough`: whether there are goods."""
        match record:
            case OrderCreated() if self.over is not None or not enough:
                self.over = self.over or REJECTED
                return REJECTED
            case OrderCreated():
                self.held = True
                return RESERVED
            case InventoryCommit() if self.over is None and (self.held or self.gone):
                self.held, self.gone = False, True
                return COMMITTED
            case InventoryRelease() | InventoryRestock():
                self.over = self.over or (RESTOCKED if self.gone else RELEASED)
                self.held = self.gone = False
        return self.over or RELEASED

    def expire(self) -> SagaEvent | None:
        """The reservation's time is over."""
        if not self.held:
            return None
        self.held, self.over = False, EXPIRED
        return EXPIRED


@dataclass
class Payments:
    """Asks a provider whose answers are given with each question; what it has said once, it says again."""

    said: dict[tuple[PaymentOperation, object], SagaEvent] = field(default_factory=dict)
    authorized: bool = False
    voided: bool = False
    captured: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)

    def hear(self, record: Record, provider: str) -> SagaEvent:
        """The answer; `provider` says yes, no, or nothing."""
        match record:
            case PaymentQuery(operation=operation, refund_id=refund_id, amount=amount):
                pass
            case PaymentRefund(refund_id=refund_id, amount=amount):
                operation = PaymentOperation.REFUND
            case PaymentAuthorize() | PaymentCapture() | PaymentVoid():
                operation, refund_id, amount = _OPERATIONS[type(record)], None, record.amount
            case _:
                raise TypeError(record)
        known = self.said.get((operation, refund_id))
        if known is None and provider == "nothing":
            return unknown(operation, refund_id)
        if known is None and operation is PaymentOperation.REFUND:
            known = self._refund(record, provider, amount)
        elif known is None:
            known = _ANSWERS[operation](self, provider)
        return self.said.setdefault((operation, refund_id), known)

    def authorize(self, provider: str) -> SagaEvent:
        if self.voided or provider == "no":
            return failed(PaymentOperation.AUTHORIZE)
        self.authorized = True
        return AUTHORIZED

    def capture(self, provider: str) -> SagaEvent:
        if self.voided or not self.authorized or provider == "no":
            return failed(PaymentOperation.CAPTURE)
        self.captured = CAPTURED.amount
        return CAPTURED

    def void(self, provider: str) -> SagaEvent:
        if self.captured:
            return failed(PaymentOperation.VOID, "already_captured")
        self.voided = True
        return VOIDED

    def _refund(self, record: Record, provider: str, amount: Decimal) -> SagaEvent:
        assert isinstance(record, PaymentRefund | PaymentQuery)
        assert record.refund_id is not None
        if provider == "no":
            return stuck(record.refund_id)
        self.refunded += amount
        assert self.refunded <= self.captured, "more is given back than was taken"
        return refunded(record.refund_id, amount)

    @property
    def holds(self) -> Decimal:
        """What is the shop's, or may become it."""
        if self.captured:
            return self.captured - self.refunded
        return CAPTURED.amount if self.authorized and not self.voided else Decimal(0)


_OPERATIONS = {
    PaymentAuthorize: PaymentOperation.AUTHORIZE,
    PaymentCapture: PaymentOperation.CAPTURE,
    PaymentVoid: PaymentOperation.VOID,
}
_ANSWERS: dict[PaymentOperation, Callable[[Payments, str], SagaEvent]] = {
    PaymentOperation.AUTHORIZE: Payments.authorize,
    PaymentOperation.CAPTURE: Payments.capture,
    PaymentOperation.VOID: Payments.void,
}
