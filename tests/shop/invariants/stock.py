"""1, 2: what is reserved is there, and is what reservations hold, at every instant. 3: what is there has come in."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from tests.shop.invariants.events import first_of_each
from tests.shop.invariants.evidence import Breach, Commit, Evidence
from tests.shop.invariants.rows import Item, Receipt, Reservation, Stock, read, read_all

Place = tuple[str, str]
"""(warehouse, product)."""

STOCK, RESERVATIONS, RECEIPTS = "inventory.stock", "inventory.reservations", "inventory.receipts"
EVERYTHING = "analytics.all.events"


class Shelves:
    """The stock as it becomes, commit by commit."""

    def __init__(self) -> None:
        self._stock: dict[Place, Stock] = {}
        self._held: Counter[Place] = Counter()
        self._of_order: dict[str, list[Place]] = {}
        self._quantities: dict[str, Counter[Place]] = defaultdict(Counter)

    def take(self, rows: Mapping[str, Mapping[str, bytes | None]]) -> Iterator[Breach]:
        """What must not be after these rows have changed."""
        touched: set[Place] = set()
        for key, value in rows.get(RESERVATIONS, {}).items():
            before = self._quantities.pop(key, Counter())
            after = _held(read(Reservation, value)) if value is not None else Counter()
            self._held.subtract(before)
            self._held.update(after)
            self._quantities[key] = after
            touched |= {*before, *after}
        for value in rows.get(STOCK, {}).values():
            if value is not None:
                stock = read(Stock, value)
                self._stock[stock.warehouse, stock.product_id] = stock
                touched.add((stock.warehouse, stock.product_id))
        for place in sorted(touched):
            yield from self._judged(place)

    def _judged(self, place: Place) -> Iterator[Breach]:
        stock = self._stock.get(place) or Stock(place[1], place[0], 0, 0)
        if not 0 <= stock.reserved <= stock.on_hand:
            yield Breach(1, f"product {place[1]}", f"{stock.reserved} reserved of {stock.on_hand} on hand")
        if stock.reserved != self._held[place]:
            yield Breach(2, f"product {place[1]}", f"{stock.reserved} reserved, {self._held[place]} held")


def _held(reservation: Reservation) -> Counter[Place]:
    return _pieces(reservation.warehouse, reservation.lines) if reservation.status == "HELD" else Counter()


def _pieces(warehouse: str, lines: list[Item]) -> Counter[Place]:
    pieces: Counter[Place] = Counter()
    for line in lines:
        pieces[warehouse, line.product_id] += line.quantity
    return pieces


def reserved_is_there_and_held(evidence: Evidence) -> Iterator[Breach]:
    """1 and 2, after each commit and at rest."""
    shelves = Shelves()
    for commit in evidence.history:
        yield from shelves.take(commit.rows)
    at_rest = Commit({name: dict(evidence.rows(name)) for name in (STOCK, RESERVATIONS)})
    yield from Shelves().take(at_rest.rows)


def what_is_there_has_come_in(evidence: Evidence) -> Iterator[Breach]:
    """3, by what was told of orders, and by what reservations say."""
    received: Counter[Place] = Counter()
    for receipt in read_all(Receipt, evidence.rows(RECEIPTS).values()):
        received.update(_pieces(receipt.warehouse, receipt.lines))
    gone: Counter[Place] = Counter()
    for reservation in read_all(Reservation, evidence.rows(RESERVATIONS).values()):
        if reservation.status == "COMMITTED":
            gone.update(_pieces(reservation.warehouse, reservation.lines))
    told = _told_gone(evidence)
    for stock in read_all(Stock, evidence.rows(STOCK).values()):
        place = stock.warehouse, stock.product_id
        if stock.on_hand != received[place] - gone[place]:
            yield Breach(
                3, f"product {place[1]}", f"{stock.on_hand} on hand; {received[place]} came, {gone[place]} left"
            )
        if evidence.logs and stock.on_hand != received[place] - told[stock.product_id]:
            yield Breach(
                3,
                f"product {place[1]}",
                f"{stock.on_hand} on hand; {received[place]} came, events say that {told[stock.product_id]} left",
            )


def _told_gone(evidence: Evidence) -> Counter[str]:
    """By product: told to have been committed and not restocked."""
    gone: Counter[str] = Counter()
    for sign, type in ((1, "inventory.committed"), (-1, "inventory.restocked")):
        for told in first_of_each(evidence.logs.get(EVERYTHING, ()), type).values():
            for line in told.lines:
                gone[line.product_id] += sign * line.quantity
    return gone
