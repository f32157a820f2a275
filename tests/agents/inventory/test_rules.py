"""What becomes of stock and reservations: every status with everything that can come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from agents.inventory import rules
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
from agents.orders.events import Address, Line, OrderCreated
from streams import Record

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
TERMS = Terms(hold=timedelta(minutes=15), low=3)
END = NOW + TERMS.hold
ORDER, USER = UUID(int=1), UUID(int=2)
TEA, LAMP = UUID(int=10), UUID(int=11)
HOME = Address("A", "1 Street", "Town", "1000", "NL")
LINES = [StockLine(TEA, 3), StockLine(LAMP, 1)]
OFFER = Offer(TEA, "Tea", Decimal("7.90"), "EUR")


def order(*lines: tuple[UUID, int]) -> OrderCreated:
    items = [Line(product, quantity, Decimal(1)) for product, quantity in lines]
    return OrderCreated(ORDER, USER, items, Decimal(9), "EUR", HOME)


def shelf(tea: tuple[int, int] = (10, 0), lamp: tuple[int, int] = (10, 0)) -> dict[UUID, Stock]:
    """(on hand, reserved) of each product."""
    return {TEA: Stock(TEA, *tea), LAMP: Stock(LAMP, *lamp)}


def reservation(status: Hold, lines: list[StockLine] = LINES) -> Reservation:
    shortages = [Shortage(TEA, 3, 2)] if status is Hold.REJECTED else []
    return Reservation(ORDER, USER, status, lines, shortages, END, NOW)


def pieces(stock: tuple[Stock, ...]) -> dict[UUID, tuple[int, int]]:
    return {each.product_id: (each.on_hand, each.reserved) for each in stock}


ANSWERS: dict[Hold, Record] = {
    Hold.HELD: InventoryReserved(ORDER, USER, LINES, END),
    Hold.REJECTED: InventoryRejected(ORDER, USER, [Shortage(TEA, 3, 2)]),
    Hold.COMMITTED: InventoryCommitted(ORDER, USER, LINES),
    Hold.RELEASED: InventoryReleased(ORDER, USER, LINES),
    Hold.EXPIRED: InventoryExpired(ORDER, USER, LINES),
    Hold.RESTOCKED: InventoryRestocked(ORDER, USER, LINES),
}
COMMIT = InventoryCommit(ORDER, USER)
RELEASE = InventoryRelease(ORDER, USER)
RESTOCK = InventoryRestock(ORDER, USER)


# --- reserving ---


def test_all_lines_are_held_and_lines_of_one_product_are_one() -> None:
    decision = rules.reserve(None, order((TEA, 1), (LAMP, 1), (TEA, 2)), shelf(tea=(10, 4)), NOW, TERMS)
    assert decision.reservation == Reservation(ORDER, USER, Hold.HELD, LINES, [], END, NOW)
    assert pieces(decision.stock) == {TEA: (10, 7), LAMP: (10, 1)}
    assert decision.sends == (ANSWERS[Hold.HELD],)


def test_one_line_that_is_short_holds_nothing_and_every_shortage_is_told() -> None:
    decision = rules.reserve(None, order((TEA, 2), (LAMP, 1), (TEA, 2)), shelf(tea=(10, 7)), NOW, TERMS)
    assert decision.stock == ()
    assert decision.sends == (InventoryRejected(ORDER, USER, [Shortage(TEA, 4, 3)]),)
    assert decision.reservation is not None
    assert decision.reservation.status is Hold.REJECTED
    both = rules.reserve(None, order((TEA, 11), (LAMP, 12)), shelf(), NOW, TERMS)
    assert both.sends == (InventoryRejected(ORDER, USER, [Shortage(TEA, 11, 10), Shortage(LAMP, 12, 10)]),)


def test_the_last_piece_can_be_held() -> None:
    decision = rules.reserve(None, order((TEA, 3)), shelf(tea=(10, 7)), NOW, TERMS)
    assert pieces(decision.stock) == {TEA: (10, 10)}


@pytest.mark.parametrize("lines", [(), ((TEA, 0),), ((TEA, 5), (TEA, -1)), ((TEA, -1),)])
def test_an_order_for_nothing_or_less_is_refused(lines: tuple[tuple[UUID, int], ...]) -> None:
    decision = rules.reserve(None, order(*lines), shelf(), NOW, TERMS)
    assert (decision.stock, decision.sends) == ((), (InventoryRejected(ORDER, USER, []),))


@pytest.mark.parametrize("status", Hold)
def test_the_same_order_again_changes_nothing_and_is_answered_by_what_stands(status: Hold) -> None:
    decision = rules.reserve(reservation(status), order((TEA, 3), (LAMP, 1)), shelf(), NOW, TERMS)
    assert decision == rules.Decision(sends=(ANSWERS[status],))


def test_an_order_that_was_let_go_before_it_came_is_refused() -> None:
    stone = rules.give_back(None, RELEASE, {}, NOW).reservation
    decision = rules.reserve(stone, order((TEA, 3), (LAMP, 1)), shelf(), LATER, TERMS)
    assert decision == rules.Decision(sends=(InventoryRejected(ORDER, USER, []),))


@pytest.mark.parametrize(
    ("reserved", "wanted", "told"),
    [(0, 7, []), (0, 8, [2]), (6, 2, [2]), (7, 1, [2]), (8, 1, []), (8, 2, [])],
)
def test_low_stock_is_told_when_it_falls_below_and_not_while_it_is(reserved: int, wanted: int, told: list[int]) -> None:
    decision = rules.reserve(None, order((TEA, wanted)), shelf(tea=(10, reserved)), NOW, TERMS)
    assert list(decision.sends[1:]) == [InventoryLow(TEA, available) for available in told]


# --- what comes after ---


def test_what_is_held_leaves_on_commit() -> None:
    decision = rules.commit(reservation(Hold.HELD), COMMIT, shelf((10, 5), (1, 1)), LATER)
    assert decision.reservation == Reservation(ORDER, USER, Hold.COMMITTED, LINES, [], END, LATER)
    assert pieces(decision.stock) == {TEA: (7, 2), LAMP: (0, 0)}
    assert decision.sends == (ANSWERS[Hold.COMMITTED],)


def test_a_commit_when_the_time_is_over_finds_it_expired() -> None:
    decision = rules.commit(reservation(Hold.HELD), COMMIT, shelf((10, 5), (1, 1)), END)
    assert decision.reservation == Reservation(ORDER, USER, Hold.EXPIRED, LINES, [], END, END)
    assert pieces(decision.stock) == {TEA: (10, 2), LAMP: (1, 0)}
    assert decision.sends == (ANSWERS[Hold.EXPIRED],)


@pytest.mark.parametrize("status", sorted(set(Hold) - {Hold.HELD}))
def test_a_commit_of_what_is_not_held_is_answered_by_what_stands(status: Hold) -> None:
    decision = rules.commit(reservation(status), COMMIT, shelf(), LATER)
    assert decision == rules.Decision(sends=(ANSWERS[status],))


@pytest.mark.parametrize("command", [RELEASE, RESTOCK])
def test_a_release_frees_what_is_held(command: InventoryRelease | InventoryRestock) -> None:
    decision = rules.give_back(reservation(Hold.HELD), command, shelf((10, 5), (1, 1)), LATER)
    assert decision.reservation == Reservation(ORDER, USER, Hold.RELEASED, LINES, [], END, LATER)
    assert pieces(decision.stock) == {TEA: (10, 2), LAMP: (1, 0)}
    assert decision.sends == (ANSWERS[Hold.RELEASED],)


@pytest.mark.parametrize("command", [RELEASE, RESTOCK])
def test_a_release_restocks_what_is_committed(command: InventoryRelease | InventoryRestock) -> None:
    decision = rules.give_back(reservation(Hold.COMMITTED), command, shelf((7, 2), (0, 0)), LATER)
    assert decision.reservation == Reservation(ORDER, USER, Hold.RESTOCKED, LINES, [], END, LATER)
    assert pieces(decision.stock) == {TEA: (10, 2), LAMP: (1, 0)}
    assert decision.sends == (ANSWERS[Hold.RESTOCKED],)


@pytest.mark.parametrize("command", [RELEASE, RESTOCK])
@pytest.mark.parametrize("status", sorted(set(Hold) - {Hold.HELD, Hold.COMMITTED}))
def test_a_release_again_is_answered_by_what_stands(status: Hold, command: InventoryRelease | InventoryRestock) -> None:
    decision = rules.give_back(reservation(status), command, shelf(), LATER)
    assert decision == rules.Decision(sends=(ANSWERS[status],))


@pytest.mark.parametrize(
    "decision",
    [
        rules.commit(None, COMMIT, {}, NOW),
        rules.give_back(None, RELEASE, {}, NOW),
        rules.give_back(None, RESTOCK, {}, NOW),
    ],
)
def test_what_comes_before_its_order_leaves_a_tombstone(decision: rules.Decision) -> None:
    assert decision.reservation == Reservation(ORDER, USER, Hold.RELEASED, [], [], NOW, NOW)
    assert decision.sends == (InventoryReleased(ORDER, USER, []),)


def test_what_is_held_when_its_time_is_over_is_free() -> None:
    decision = rules.expire(reservation(Hold.HELD), shelf((10, 5), (1, 1)), END)
    assert decision.reservation == Reservation(ORDER, USER, Hold.EXPIRED, LINES, [], END, END)
    assert pieces(decision.stock) == {TEA: (10, 2), LAMP: (1, 0)}
    assert decision.sends == (ANSWERS[Hold.EXPIRED],)


@pytest.mark.parametrize("status", [None, *sorted(set(Hold) - {Hold.HELD})])
def test_nothing_else_expires(status: Hold | None) -> None:
    assert rules.expire(reservation(status) if status else None, shelf(), END) == rules.NOTHING


# --- goods and products ---


def test_goods_that_arrive_are_here() -> None:
    received = rules.receive(
        None, InventoryReceive(ORDER, [StockLine(TEA, 2), StockLine(TEA, 3)]), shelf(tea=(10, 4)), NOW
    )
    assert received is not None
    receipt, stock = received
    assert receipt == Receipt(ORDER, [StockLine(TEA, 5)], NOW)
    assert pieces(stock) == {TEA: (15, 4)}


def test_a_receipt_counts_once() -> None:
    counted = Receipt(ORDER, [StockLine(TEA, 5)], NOW)
    assert rules.receive(counted, InventoryReceive(ORDER, [StockLine(TEA, 7)]), shelf(), NOW) is None


def test_a_product_is_offered_and_told() -> None:
    put = rules.put(None, ProductPut(TEA, "Tea", Decimal("7.90"), "EUR"), 4)
    assert put == (OFFER, ProductUpdated(Product(TEA, "Tea", Decimal("7.90"), "EUR", 4)))


def test_a_product_that_stays_as_it_is_is_not_told_again() -> None:
    assert rules.put(OFFER, ProductPut(TEA, "Tea", Decimal("7.90"), "EUR"), 4) is None
    assert rules.put(OFFER, ProductPut(TEA, "Tea", Decimal("8.00"), "EUR"), 4) is not None
