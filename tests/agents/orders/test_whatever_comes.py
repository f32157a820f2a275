"""Whatever comes, however often and in whatever order: an order ends well, or rests."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agents.inventory.events import InventoryCommit, InventoryRelease, InventoryRestock
from agents.orders.events import (
    Address,
    OrderChangeAddress,
    OrderCreated,
    OrderDeliver,
    OrderPaid,
    OrderRefund,
    OrderShip,
)
from agents.orders.rules.deciding import SagaEvent
from agents.orders.statuses import GIVEN_UP, NEXT, RefundStatus, Status, Stock
from agents.payments.events import PaymentCaptured
from streams import Record
from tests.agents.orders.services import Inventory, Payments
from tests.agents.orders.tale import CANCEL, ORDER, TEN, Tale, command

_FOR_INVENTORY = OrderCreated | InventoryCommit | InventoryRelease | InventoryRestock
_MOST_ASKING = 200
"""Due times until everything is known, at the most."""


class AnyOrder(RuleBasedStateMachine):
    """One order between two services whose answers are late, repeated and out of order."""

    @initialize(price=st.sampled_from(["10.00", "0.00"]))
    def place(self, price: str) -> None:
        self.inventory, self.payments = Inventory(), Payments()
        self.for_inventory: list[Record] = []
        self.for_payments: list[Record] = []
        self.on_the_way: list[SagaEvent] = []
        self.told: list[Record] = []
        self.heard: list[SagaEvent] = []
        self.tale = Tale(price=price)
        self._route(self.tale.last.records)

    def _route(self, told: Sequence[Record]) -> None:
        self.told += told
        for record in told:
            if isinstance(record, _FOR_INVENTORY):
                self.for_inventory.append(record)
            elif str(record.__event__).startswith("payment."):
                self.for_payments.append(record)

    def _hear(self, event: SagaEvent) -> None:
        self.heard.append(event)
        self._route(self.tale.hear(event))

    @precondition(lambda self: self.for_inventory)
    @rule(enough=st.booleans())
    def inventory_answers(self, enough: bool) -> None:
        self.on_the_way.append(self.inventory.hear(self.for_inventory.pop(0), enough))

    @rule()
    def reservation_expires(self) -> None:
        expired = self.inventory.expire()
        if expired is not None:
            self.on_the_way.append(expired)

    @precondition(lambda self: self.for_payments)
    @rule(which=st.integers(0, 9), provider=st.sampled_from(["yes", "yes", "no", "nothing"]))
    def payments_answer(self, which: int, provider: str) -> None:
        asked = self.for_payments.pop(which % len(self.for_payments))
        self.on_the_way.append(self.payments.hear(asked, provider))

    @precondition(lambda self: self.on_the_way)
    @rule(which=st.integers(0, 9), again=st.booleans())
    def an_answer_comes(self, which: int, again: bool) -> None:
        index = which % len(self.on_the_way)
        self._hear(self.on_the_way[index] if again else self.on_the_way.pop(index))

    @precondition(lambda self: self.tale.wakes)
    @rule()
    def time_passes(self) -> None:
        self._route(self.tale.sleep())

    @rule(
        wish=st.sampled_from(
            [CANCEL, OrderShip(ORDER, "w"), OrderDeliver(ORDER, "w"), OrderChangeAddress(ORDER, "u", Address(*"abcde"))]
        )
    )
    def somebody_wants_something(self, wish: SagaEvent) -> None:
        self._hear(wish)

    @rule(number=st.integers(1, 3), amount=st.sampled_from([None, "3.00", "10.00", "99.00"]))
    def somebody_wants_money_back(self, number: int, amount: str | None) -> None:
        self._hear(OrderRefund(ORDER, UUID(int=100 + number), "s", None if amount is None else Decimal(amount)))

    @rule()
    def it_is_placed_again(self) -> None:
        self._hear(command("99.00"))

    @invariant()
    def the_history_has_no_gaps(self) -> None:
        path = self.tale.path
        assert path[0] is Status.PENDING
        assert all(after in NEXT[before] for before, after in pairwise(path))
        assert path[-1] is self.tale.order.status

    @invariant()
    def the_money_adds_up(self) -> None:
        order = self.tale.order
        assert order.total in {TEN, Decimal("0.00")}
        assert 0 <= order.payment.refunded <= order.payment.captured <= order.total
        assert order.payment.left >= 0
        assert order.payment_status is order.payment.status

    @invariant()
    def it_is_told_as_paid_once_and_not_without_money(self) -> None:
        paid = [one for one in self.told if isinstance(one, OrderPaid)]
        assert len(paid) == self.tale.path.count(Status.PAID) <= 1
        assert not paid or self.tale.order.total == 0 or any(isinstance(one, PaymentCaptured) for one in self.heard)

    @invariant()
    def it_waits_for_nothing_without_a_due_time(self) -> None:
        order = self.tale.order
        assert order.alarm == self.tale.wakes
        assert (order.alarm is None) == (not order.questions)
        assert all(order.alarm is not None and order.alarm <= question.due for question in order.questions)

    def teardown(self) -> None:
        """From here on everybody answers, and everything arrives: then the order has ended, or rests."""
        if not hasattr(self, "tale"):
            return
        for _ in range(_MOST_ASKING):
            self._everything_arrives()
            if self.tale.wakes is None:
                break
            self.time_passes()
        self._check_the_end()

    def _everything_arrives(self) -> None:
        while self.for_inventory or self.for_payments or self.on_the_way:
            if self.for_inventory:
                self.inventory_answers(True)
            if self.for_payments:
                self.payments_answer(0, "yes")
            if self.on_the_way:
                self._hear(self.on_the_way.pop(0))

    def _check_the_end(self) -> None:
        order = self.tale.order
        assert order.questions == []
        assert order.status in GIVEN_UP - {Status.CANCELLING} | {Status.PAID, Status.SHIPPED, Status.DELIVERED}
        if order.status in GIVEN_UP:
            assert not self.inventory.held
            assert not self.inventory.gone
            assert order.stock is Stock.FREED
            stuck = sum(one.amount for one in order.payment.refunds if one.status is RefundStatus.STUCK)
            assert self.payments.holds == stuck
        else:
            assert self.inventory.gone
            assert self.payments.captured == order.total == order.payment.captured
            assert self.payments.refunded == order.payment.refunded


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
