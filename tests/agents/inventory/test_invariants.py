"""Whatever comes, in whatever order and however often: what is reserved, here and held always fits together."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agents.inventory import rules
from agents.inventory.events import InventoryCommit, InventoryReceive, InventoryRelease, InventoryRestock, StockLine
from agents.inventory.tables import Hold, Receipt, Reservation, Stock
from agents.inventory.terms import Terms
from agents.orders.events import Address, Line, OrderCreated

HOME = Address("A", "1 Street", "Town", "1000", "NL")
TERMS = Terms(hold=timedelta(minutes=15), low=2)
USER = UUID(int=0)
products = st.integers(1, 2).map(lambda n: UUID(int=n))
orders = st.integers(1, 3).map(lambda n: UUID(int=100 + n))
receipts = st.integers(1, 4).map(lambda n: UUID(int=200 + n))
lines = st.lists(st.tuples(products, st.integers(1, 4) | st.integers(-1, 8)), max_size=3)
goods = st.lists(st.builds(StockLine, products, st.integers(1, 9)), max_size=3)


class Warehouse(RuleBasedStateMachine):
    """The rules with tables of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.stock: dict[UUID, Stock] = {}
        self.reservations: dict[UUID, Reservation] = {}
        self.receipts: dict[UUID, Receipt] = {}
        self.committed: Counter[UUID] = Counter()
        self.restocked: Counter[UUID] = Counter()

    @rule(minutes=st.integers(1, 10))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(id=receipts, arrived=goods)
    def goods_arrive(self, id: UUID, arrived: list[StockLine]) -> None:
        received = rules.receive(self.receipts.get(id), InventoryReceive(id, arrived), self.shelf(arrived), self.now)
        if received is not None:
            self.receipts[id], changed = received
            self.keep(changed)

    @rule(id=orders, wanted=lines)
    def an_order_comes(self, id: UUID, wanted: list[tuple[UUID, int]]) -> None:
        items = [Line(product, quantity, Decimal(1)) for product, quantity in wanted]
        order = OrderCreated(id, USER, items, Decimal(1), "EUR", HOME)
        self.decided(id, rules.reserve(self.reservations.get(id), order, self.shelf(items), self.now, TERMS))

    @rule(id=orders)
    def it_is_committed(self, id: UUID) -> None:
        before = self.reservations.get(id)
        self.decided(id, rules.commit(before, InventoryCommit(id, USER), self.held(before), self.now))
        if before is not None and before.status is Hold.HELD and self.reservations[id].status is Hold.COMMITTED:
            assert self.now < before.expires_at
            self.committed.update({line.product_id: line.quantity for line in before.lines})

    @rule(id=orders, kind=st.sampled_from([InventoryRelease, InventoryRestock]))
    def it_is_let_go(self, id: UUID, kind: type[InventoryRelease] | type[InventoryRestock]) -> None:
        before = self.reservations.get(id)
        self.decided(id, rules.give_back(before, kind(id, USER), self.held(before), self.now))
        if before is not None and before.status is Hold.COMMITTED:
            self.restocked.update({line.product_id: line.quantity for line in before.lines})

    @rule(id=orders)
    def its_due_time_comes(self, id: UUID) -> None:
        before = self.reservations.get(id)
        if before is not None and self.now >= before.expires_at:
            self.decided(id, rules.expire(before, self.held(before), self.now))
            assert self.reservations[id].status is not Hold.HELD

    def decided(self, id: UUID, decision: rules.Decision) -> None:
        before = self.reservations.get(id)
        self.keep(decision.stock)
        if decision.reservation is not None:
            assert before is None or before.status in {Hold.HELD, Hold.COMMITTED}, "what is final stays"
            self.reservations[id] = decision.reservation

    def keep(self, changed: tuple[Stock, ...]) -> None:
        self.stock |= {each.product_id: each for each in changed}

    def shelf(self, asked: list[Line] | list[StockLine]) -> dict[UUID, Stock]:
        return {line.product_id: self.stock.get(line.product_id) or Stock(line.product_id) for line in asked}

    def held(self, reservation: Reservation | None) -> dict[UUID, Stock]:
        return self.shelf(reservation.lines if reservation else [])

    @invariant()
    def reserved_is_between_nothing_and_all_that_is_here(self) -> None:
        assert all(0 <= each.reserved <= each.on_hand for each in self.stock.values())

    @invariant()
    def reserved_is_what_reservations_hold(self) -> None:
        held = Counter[UUID]()
        for each in self.reservations.values():
            if each.status is Hold.HELD:
                held.update({line.product_id: line.quantity for line in each.lines})
        assert {id: each.reserved for id, each in self.stock.items() if each.reserved} == dict(held)

    @invariant()
    def what_is_here_has_arrived_and_not_left(self) -> None:
        arrived = Counter[UUID]()
        for receipt in self.receipts.values():
            arrived.update({line.product_id: line.quantity for line in receipt.lines})
        for id, each in self.stock.items():
            assert arrived[id] + self.restocked[id] - self.committed[id] == each.on_hand


Warehouse.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestWarehouse = Warehouse.TestCase
