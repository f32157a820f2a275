"""What a stretch of time has seen: orders, money, payments, and how long it took from placed to paid."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from agents.analytics.histogram import Bins, add, bin_of
from streams import Record

ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Fact:
    """Something that counts, once, at a moment."""

    at: int
    """Milliseconds since 1970 UTC."""
    orders: int = 0
    """Placed."""
    currency: str = ""
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    succeeded: int = 0
    """Payments."""
    failed: int = 0
    """Payments."""
    wait: int | None = None
    """Milliseconds from placed to paid."""


class Money(Record):
    """Of one currency: what was taken, from how many orders, and what was given back."""

    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    orders: int = 0


class Tally(Record):
    """All facts of a stretch of time together."""

    orders: int = 0
    succeeded: int = 0
    failed: int = 0
    money: dict[str, Money] = msgspec.field(default_factory=dict)
    """By currency."""
    waits: Bins = msgspec.field(default_factory=dict)
    """A histogram of the time from placed to paid."""

    def count(self, fact: Fact) -> None:
        """Add a fact."""
        self.orders += fact.orders
        self.succeeded += fact.succeeded
        self.failed += fact.failed
        if fact.currency:
            self._take(fact.currency, Money(fact.captured, fact.refunded, fact.succeeded))
        if fact.wait is not None:
            bin = bin_of(fact.wait)
            self.waits[bin] = self.waits.get(bin, 0) + 1

    def add(self, other: "Tally") -> None:
        """Add all that another stretch has seen."""
        self.orders += other.orders
        self.succeeded += other.succeeded
        self.failed += other.failed
        for currency, money in other.money.items():
            self._take(currency, money)
        add(self.waits, other.waits)

    def _take(self, currency: str, more: Money) -> None:
        money = self.money.get(currency)
        if money is None:
            money = self.money[currency] = Money()
        money.captured += more.captured
        money.refunded += more.refunded
        money.orders += more.orders


def together(one: Tally, other: Tally) -> Tally:
    """What both have seen."""
    sum = Tally()
    sum.add(one)
    sum.add(other)
    return sum
