"""What the data says and what the tables say, side by side."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from warren.replay.dataset import Basket

_OTHERS: Final = (
    "the tables hold {:,} more orders of these days, as after a longer replay: replay as many again, or set "
    "WARREN_DATA (on servers, a virtual host and a database) to a place of its own"
)


@dataclass(slots=True)
class Figures:
    """Orders, lines, and revenue by day; and how many orders are in which state."""

    orders: int = 0
    lines: int = 0
    revenue: Decimal = Decimal(0)
    days: dict[date, Decimal] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    others: int = 0
    """Further orders of the same days and currency, which are in their revenue too."""

    def add(self, basket: Basket) -> None:
        """Count a basket of the data."""
        self.orders += 1
        self.lines += len(basket.lines)
        self.revenue += basket.total
        self.days[basket.day] = self.days.get(basket.day, Decimal(0)) + basket.total
        self.states["PAID"] += 1


def expected(baskets: Iterable[Basket]) -> Figures:
    """The figures computed straight from the data, where every order can be paid."""
    figures = Figures()
    for basket in baskets:
        figures.add(basket)
    return figures


def differences(wanted: Figures, found: Figures) -> list[str]:
    """Sentences, one for each figure that is not what the data says; none when all is right."""
    pairs: list[tuple[str, object, object]] = [
        ("orders", wanted.orders, found.orders),
        ("lines", wanted.lines, found.lines),
        ("revenue", wanted.revenue, found.revenue),
        ("orders by state", dict(wanted.states), dict(found.states)),
    ]
    different = [f"{name}: {there} in the tables, {here} in the data" for name, here, there in pairs if here != there]
    different += _days(wanted.days, found.days)
    return [*different, _OTHERS.format(found.others)] if different and found.others else different


def _days(wanted: Mapping[date, Decimal], found: Mapping[date, Decimal]) -> list[str]:
    days = sorted(wanted.keys() | found.keys())
    zero = Decimal(0)
    return [
        f"revenue of {day}: {found.get(day, zero)} in the tables, {wanted.get(day, zero)} in the data"
        for day in days
        if found.get(day, zero) != wanted.get(day, zero)
    ]
