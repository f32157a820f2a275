"""A shop's life: goods arrive; people sign up, order, pay with every kind of card, cancel, return, change their mind.

It follows from a random source alone, so that simulations and chaos on servers live the same life.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import heappop, heappush
from random import Random
from typing import Final
from uuid import UUID

from agents.auth.events import Profile, UserCreated
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

COMMANDS: Final = "commands"
USERS: Final = "user.events"
TOKENS: Final = (
    *("tok_ok",) * 8,
    *("tok_decline", "tok_decline_capture", "tok_flaky", "tok_flaky_capture", "tok_flaky_refund"),
    *("tok_lost", "tok_lost_capture", "tok_lost_refund", "tok_hang", "tok_decline_refund", "tok_stuck"),
)
"""How people pay: half of the cards just work."""
HOME: Final = Address("A. Buyer", "1 High Street", "Town", "1000", "NL")
AWAY: Final = Address("A. Buyer", "2 Low Street", "Elsewhere", "2000", "BE")


@dataclass(frozen=True, slots=True)
class Act:
    """A command or an event, and the seconds between the one before it and this one."""

    after: float
    exchange: str
    record: Record
    key: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """How much there is of everything."""

    orders: int
    products: int = 5
    pieces: int = 40
    """Of each product, in all."""
    gaps: Sequence[float] = (0.0, 0.0, 0.1, 1.0)
    """Seconds between one order and the next."""
    delays: Sequence[float] = (0.0, 0.05, 0.5, 5.0, 40.0, 300.0)
    """Seconds after an order at which somebody wants something else of it."""
    tokens: Sequence[str] = TOKENS


class Life:
    """See the module's text."""

    def __init__(self, random: Random, ways: Ways) -> None:
        self._random = random
        self._ways = ways
        self._products = [self._id() for _ in range(ways.products)]
        self._users = [self._id() for _ in range(10)]
        self._prices = [Decimal(random.choice(("10.00", "0.99", "249.50"))) for _ in self._products]
        self._calendar: list[tuple[float, int, Record, str]] = []

    def acts(self) -> Iterator[Act]:
        """From the first delivery of goods to the last change of mind. One of the users nobody knows how to reach."""
        last = 0.0
        for user in self._users[1:]:
            created = UserCreated(user, f"{user.hex[:6]}@shop.test", Profile("A", "Buyer", "+31"), ["customer"])
            yield Act(0.0, USERS, created, str(user))
        for record, key in self._goods():
            yield Act(0.0, COMMANDS, record, key)
        moment = 1.0
        for _ in range(self._ways.orders):
            moment += self._random.choice(self._ways.gaps)
            self._one_order(moment)
        while self._calendar:
            at, _, record, key = heappop(self._calendar)
            yield Act(at - last, COMMANDS, record, key, str(self._id()))
            last = at

    def _goods(self) -> Iterator[tuple[Record, str]]:
        for product, price in zip(self._products, self._prices, strict=True):
            yield ProductPut(product, f"product {product.hex[:4]}", price, "EUR"), "main"
            halves = self._ways.pieces // 2, self._ways.pieces - self._ways.pieces // 2
            for pieces in halves:
                yield InventoryReceive(self._id(), [StockLine(product, pieces)]), "main"

    def _one_order(self, at: float) -> None:
        order = self._placed()
        self._note(at, order, order.order_id)
        if self._random.random() < 0.1:
            self._note(at + self._random.choice(self._ways.delays), order, order.order_id)
        for _ in range(self._random.choice((0, 0, 1, 1, 2, 3))):
            self._note(at + self._random.choice(self._ways.delays), self._wish(order), order.order_id)

    def _placed(self) -> OrderPlace:
        random = self._random
        chosen = random.sample(range(len(self._products)), k=random.randint(1, min(3, len(self._products))))
        free = random.random() < 0.05
        lines = [
            Line(self._products[n], random.randint(1, 3), Decimal("0.00") if free else self._prices[n]) for n in chosen
        ]
        return OrderPlace(self._id(), random.choice(self._users), lines, "EUR", random.choice(self._ways.tokens), HOME)

    def _wish(self, order: OrderPlace) -> Record:
        id, user = order.order_id, f"user {order.user_id}"
        total = sum((line.price * line.quantity for line in order.items), Decimal(0))
        part = (total / 3).quantize(Decimal("0.01"))
        return self._random.choice(
            [
                OrderCancel(id, user, "changed my mind"),
                OrderCancel(id, "support", None),
                OrderShip(id, "warehouse", "DHL", "T-1"),
                OrderShip(id, "warehouse"),
                OrderDeliver(id, "warehouse"),
                OrderRefund(id, self._id(), "support", part, "a piece was broken"),
                OrderRefund(id, self._id(), "support", total * 2, "too much"),
                OrderRefund(id, self._id(), "support", None, "returned"),
                OrderChangeAddress(id, user, AWAY),
            ]
        )

    def _note(self, at: float, record: Record, order: UUID) -> None:
        heappush(self._calendar, (at, len(self._calendar) + self._random.getrandbits(40), record, str(order)))

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)
