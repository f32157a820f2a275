"""What happens to stock, as functions of values: no tables, no sends, no clock.

A `Shelf` is the stock of the products that are asked about. Whatever comes, and however often, `0 <= reserved <= on
hand` holds, and `reserved` is what HELD reservations hold.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from agents.inventory.events import (
    InventoryCommit,
    InventoryCommitted,
    InventoryExpired,
    InventoryLow,
    InventoryReceive,
    InventoryRejected,
    InventoryRelease,
    InventoryReleased,
    InventoryReserved,
    InventoryRestock,
    InventoryRestocked,
    Product,
    ProductPut,
    ProductUpdated,
    Shortage,
    StockLine,
)
from agents.inventory.tables import Hold, Offer, Receipt, Reservation, Stock
from agents.inventory.terms import Terms
from agents.orders.events import Line, OrderCreated
from streams import Record

Shelf = Mapping[UUID, Stock]


@dataclass(frozen=True, slots=True)
class Decision:
    """The reservation and the stock as they become, and what is told. No reservation: it stays as it is."""

    reservation: Reservation | None = None
    stock: tuple[Stock, ...] = ()
    sends: tuple[Record, ...] = ()


NOTHING: Final = Decision()

Received = tuple[Receipt, tuple[Stock, ...]]


def merged(lines: Iterable[Line | StockLine]) -> list[StockLine]:
    """One line for each product, in the order of their first lines."""
    pieces: dict[UUID, int] = {}
    for line in lines:
        pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity
    return [StockLine(product, quantity) for product, quantity in pieces.items()]


# --- orders ---


def reserve(existing: Reservation | None, order: OrderCreated, shelf: Shelf, at: datetime, terms: Terms) -> Decision:
    """All lines or none. An order that was let go before it came is refused; the same order again changes nothing."""
    if existing is not None:
        return Decision(sends=(_standing(existing) if existing.lines else _rejected(existing),))
    lines = merged(order.items)
    acceptable = all(line.quantity >= 1 for line in order.items)
    shortages = _shortages(lines, shelf) if acceptable else []
    if shortages or not lines or not acceptable:
        refused = Reservation(order.order_id, order.user_id, Hold.REJECTED, lines, shortages, at, at)
        return Decision(refused, sends=(_rejected(refused),))
    held = Reservation(order.order_id, order.user_id, Hold.HELD, lines, [], at + terms.hold, at)
    stock = _moved(lines, shelf, reserved=+1)
    return Decision(held, stock, (_standing(held), *_fallen(stock, shelf, terms.low)))


def commit(existing: Reservation | None, command: InventoryCommit, shelf: Shelf, at: datetime) -> Decision:
    """What is held leaves the stock. Too late: the answer is what became of the reservation."""
    if existing is None:
        return _tombstone(command, at)
    if existing.status is Hold.HELD and at >= existing.expires_at:
        return expire(existing, shelf, at)
    if existing.status is Hold.HELD:
        return _become(existing, Hold.COMMITTED, at, _moved(existing.lines, shelf, reserved=-1, on_hand=-1))
    return Decision(sends=(_standing(existing),))


def give_back(
    existing: Reservation | None, command: InventoryRelease | InventoryRestock, shelf: Shelf, at: datetime
) -> Decision:
    """What is held is free, what has left is here again. Before the order has come: a tombstone, so that it holds
    nothing when it does. Again: the same answer."""
    if existing is None:
        return _tombstone(command, at)
    if existing.status is Hold.HELD:
        return _become(existing, Hold.RELEASED, at, _moved(existing.lines, shelf, reserved=-1))
    if existing.status is Hold.COMMITTED:
        return _become(existing, Hold.RESTOCKED, at, _moved(existing.lines, shelf, on_hand=+1))
    return Decision(sends=(_standing(existing),))


def expire(existing: Reservation | None, shelf: Shelf, at: datetime) -> Decision:
    """What is held still is free."""
    if existing is None or existing.status is not Hold.HELD:
        return NOTHING
    return _become(existing, Hold.EXPIRED, at, _moved(existing.lines, shelf, reserved=-1))


def _become(existing: Reservation, status: Hold, at: datetime, stock: tuple[Stock, ...]) -> Decision:
    reservation = replace(existing, status=status, updated_at=at)
    return Decision(reservation, stock, (_standing(reservation),))


def _tombstone(command: InventoryCommit | InventoryRelease | InventoryRestock, at: datetime) -> Decision:
    stone = Reservation(command.order_id, command.user_id, Hold.RELEASED, [], [], at, at, command.warehouse)
    return Decision(stone, sends=(_standing(stone),))


# --- what is told of a reservation ---


def _rejected(refused: Reservation) -> InventoryRejected:
    return InventoryRejected(refused.order_id, refused.user_id, refused.shortages)


_TOLD: Final[dict[Hold, Callable[[Reservation], Record]]] = {
    Hold.HELD: lambda held: InventoryReserved(held.order_id, held.user_id, held.lines, held.expires_at),
    Hold.REJECTED: _rejected,
    Hold.COMMITTED: lambda done: InventoryCommitted(done.order_id, done.user_id, done.lines),
    Hold.RELEASED: lambda free: InventoryReleased(free.order_id, free.user_id, free.lines),
    Hold.EXPIRED: lambda over: InventoryExpired(over.order_id, over.user_id, over.lines),
    Hold.RESTOCKED: lambda back: InventoryRestocked(back.order_id, back.user_id, back.lines),
}


def _standing(reservation: Reservation) -> Record:
    return _TOLD[reservation.status](reservation)


# --- stock ---


def _shortages(lines: list[StockLine], shelf: Shelf) -> list[Shortage]:
    return [
        Shortage(line.product_id, line.quantity, shelf[line.product_id].available)
        for line in lines
        if line.quantity > shelf[line.product_id].available
    ]


def _moved(lines: list[StockLine], shelf: Shelf, *, reserved: int = 0, on_hand: int = 0) -> tuple[Stock, ...]:
    """The stock after each line's pieces were added to, or taken from, what is reserved and what is here."""
    return tuple(
        replace(
            before := shelf[line.product_id],
            reserved=before.reserved + reserved * line.quantity,
            on_hand=before.on_hand + on_hand * line.quantity,
        )
        for line in lines
    )


def _fallen(stock: Iterable[Stock], before: Shelf, low: int) -> list[InventoryLow]:
    return [
        InventoryLow(each.product_id, each.available, each.warehouse)
        for each in stock
        if each.available < low <= before[each.product_id].available
    ]


def receive(existing: Receipt | None, command: InventoryReceive, shelf: Shelf, at: datetime) -> Received | None:
    """The receipt, and the stock with its pieces; None for one that was counted."""
    if existing is not None:
        return None
    lines = merged(command.lines)
    return Receipt(command.receipt_id, lines, at, command.warehouse), _moved(lines, shelf, on_hand=+1)


# --- products ---


def put(existing: Offer | None, command: ProductPut, available: int) -> tuple[Offer, ProductUpdated] | None:
    """The product as it is offered from now on, and what is told of it; None where nothing changes."""
    offer = Offer(command.product_id, command.name, command.price, command.currency, command.warehouse)
    if offer == existing:
        return None
    product = Product(offer.id, offer.name, offer.price, offer.currency, available)
    return offer, ProductUpdated(product, offer.warehouse)
