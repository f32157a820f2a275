"""What people may do to a shop, for Hypothesis: in whatever order and at whatever time, every invariant holds."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from agents.orders.events import (
    Address,
    Line,
    OrderCancel,
    OrderChangeAddress,
    OrderDeliver,
    OrderPlace,
    OrderRefund,
    OrderShip,
)
from streams import Record
from streams.testing import VirtualTimeLoop
from tests.shop.invariants.checker import breaches
from tests.shop.life import COMMANDS, TOKENS
from tests.shop.place import Shop, shop

HOME = Address("A. Buyer", "1 High Street", "Town", "1000", "NL")
AWAY = Address("A. Buyer", "2 Low Street", "Elsewhere", "2000", "BE")
USER = UUID(int=50)
PRICE = Decimal("10.00")
products = st.integers(1, 2).map(lambda n: UUID(int=n))
orders = st.integers(1, 6).map(lambda n: UUID(int=100 + n))
tokens = st.sampled_from(sorted({*TOKENS}))
refunds = st.integers(1, 3).map(lambda n: UUID(int=200 + n))
lines = st.lists(st.tuples(products, st.integers(1, 3)), min_size=1, max_size=3)


class People(RuleBasedStateMachine):
    """A shop with two products, and orders of which most things are wanted of the first six. What was sent once may be
    sent again, as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.stack = AsyncExitStack()
        self.shop: Shop = self.runner.run(self.stack.enter_async_context(shop()))
        self.sent: list[tuple[Record, str, str]] = []

    @property
    def placed(self) -> int:
        """How many orders there are."""
        return len({record.order_id for record, _, _ in self.sent if isinstance(record, OrderPlace)})

    def send(self, record: Record, key: UUID) -> None:
        """Under an id of its own."""
        self.sent.append((record, str(key), str(UUID(int=1_000 + len(self.sent)))))
        self.again(len(self.sent) - 1)

    def again(self, which: int) -> None:
        record, key, id = self.sent[which]
        self.runner.run(self.shop.publish(COMMANDS, record, key, id=id))

    @initialize(prices=st.tuples(*[st.sampled_from((PRICE, Decimal("0.99")))] * 2))
    def products_are_offered(self, prices: tuple[Decimal, ...]) -> None:
        for number, price in enumerate(prices, start=1):
            self.send(ProductPut(UUID(int=number), f"product {number}", price, "EUR"), UUID(int=number))
            self.goods_arrive(UUID(int=number), 4)

    @rule(product=products, pieces=st.integers(1, 3))
    def goods_arrive(self, product: UUID, pieces: int) -> None:
        self.send(InventoryReceive(UUID(int=10_000 + len(self.sent)), [StockLine(product, pieces)]), product)

    @rule(crowd=st.lists(st.tuples(lines, tokens), min_size=2, max_size=6))
    def many_order_at_once(self, crowd: list[tuple[list[tuple[UUID, int]], str]]) -> None:
        for wanted, token in crowd:
            self.an_order_is_placed(UUID(int=101 + self.placed), wanted, token, PRICE)

    @rule(id=orders, wanted=lines, token=tokens, price=st.sampled_from((PRICE, Decimal(0))))
    def an_order_is_placed(self, id: UUID, wanted: list[tuple[UUID, int]], token: str, price: Decimal) -> None:
        items = [Line(product, quantity, price) for product, quantity in wanted]
        self.send(OrderPlace(id, USER, items, "EUR", token, HOME), id)

    @rule(id=orders, by=st.sampled_from(("user", "support")))
    def it_is_cancelled(self, id: UUID, by: str) -> None:
        self.send(OrderCancel(id, by, "changed my mind"), id)

    @rule(id=orders)
    def it_is_shipped(self, id: UUID) -> None:
        self.send(OrderShip(id, "warehouse", "DHL", "T-1"), id)

    @rule(id=orders)
    def it_is_delivered(self, id: UUID) -> None:
        self.send(OrderDeliver(id, "warehouse"), id)

    @rule(id=orders, refund=refunds, amount=st.sampled_from((None, Decimal("0.50"), Decimal("10.00"))))
    def it_is_refunded(self, id: UUID, refund: UUID, amount: Decimal | None) -> None:
        self.send(OrderRefund(id, refund, "support", amount, "returned"), id)

    @rule(id=orders)
    def it_goes_elsewhere(self, id: UUID) -> None:
        self.send(OrderChangeAddress(id, "user", AWAY), id)

    @rule(which=st.integers(0, 100))
    def something_comes_again(self, which: int) -> None:
        if self.sent:
            self.again(which % len(self.sent))

    @rule(seconds=st.sampled_from((0.01, 0.2, 5.0, 31.0, 200.0)))
    def time_passes(self, seconds: float) -> None:
        self.runner.run(asyncio.sleep(seconds))

    @rule(seconds=st.sampled_from((31, 901, 7_200)))
    def clocks_jump(self, seconds: int) -> None:
        self.shop.jump(seconds)

    def teardown(self) -> None:
        try:
            assert breaches(self.runner.run(self.shop.evidence())) == []
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()
