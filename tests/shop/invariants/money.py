"""6: no more is captured than authorized, nor refunded than captured. 7: all books agree. 8: no sale, no money."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec

from tests.shop.invariants.evidence import Breach, Evidence
from tests.shop.invariants.rows import ZERO, Account, Balance, Entry, Order, Reservation, Takings, read, read_all

LEDGER: Final = "payments.ledger"
BALANCES: Final = "payments.balances"
UNPAID: Final = frozenset({"REJECTED", "EXPIRED", "PAYMENT_FAILED", "CANCELLED"})
BOUGHT: Final = frozenset({"PAID", "SHIPPED", "DELIVERED"})

Sums = dict[str, Decimal]
"""By currency."""


@dataclass(slots=True)
class Money:
    """Of one order."""

    currency: str = ""
    authorized: Decimal = ZERO
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    captures: int = 0
    voided: bool = False
    told_stuck: dict[str, Decimal] = field(default_factory=dict)
    """Refunds of which that was told, by their operations."""
    came_through: set[str] = field(default_factory=set)
    """Refunds that did."""

    @property
    def taken(self) -> Decimal:
        """What is captured and not given back."""
        return self.captured - self.refunded

    @property
    def stuck(self) -> Decimal:
        """What is on its way back, and somebody has to look after it: nobody here knows whether the customer has it."""
        return sum((much for key, much in self.told_stuck.items() if key not in self.came_through), ZERO)

    @property
    def sound(self) -> bool:
        """Whether 0 ≤ refunded ≤ captured ≤ authorized, and captured once at the most."""
        return ZERO <= self.refunded <= self.captured <= self.authorized and self.captures <= 1

    def add(self, entry: Entry) -> None:
        """One more line of the ledger."""
        self.currency = entry.currency
        match entry.outcome:
            case "authorized":
                self.authorized += entry.amount
            case "captured":
                self.captured += entry.amount
                self.captures += 1
            case "refunded":
                self.refunded += entry.amount
                self.came_through.add(entry.operation_key)
            case "voided":
                self.voided = True
            case "refund_stuck":
                self.told_stuck[entry.operation_key] = entry.amount


def _of_orders(entries: Iterable[Entry]) -> dict[str, Money]:
    money: dict[str, Money] = defaultdict(Money)
    for entry in entries:
        money[entry.order_id].add(entry)
    return money


class _Answer(msgspec.Struct):
    outcome: str
    reference: str | None = None


class _Asked(msgspec.Struct):
    answer: _Answer | None = None


def _accounts(evidence: Evidence) -> dict[str, list[Account]]:
    """The provider's accounts by order: its book knows an order by the key of the authorization."""
    found: dict[str, list[Account]] = defaultdict(list)
    for key, value in evidence.operations.items():
        answer = msgspec.json.decode(value, type=_Asked).answer
        order, _, operation = key.partition(":")
        reference = None if answer is None else answer.reference
        if operation == "authorize" and reference is not None and reference in evidence.accounts:
            found[order].append(read(Account, evidence.accounts[reference]))
    return found


# --- 6 ---


def no_more_than_there_is(evidence: Evidence) -> Iterator[Breach]:
    """6: after every commit of the ledger, in its rows, and in the provider's book."""
    for commit in evidence.history:
        for value in commit.rows.get(BALANCES, {}).values():
            if value is not None:
                yield from _sound_balance(read(Balance, value))
    money: dict[str, Money] = defaultdict(Money)
    for commit in evidence.history:
        entries = read_all(Entry, (v for v in commit.rows.get(LEDGER, {}).values() if v is not None))
        for entry in entries:
            money[entry.order_id].add(entry)
        yield from (_breach(order, money[order]) for order in {e.order_id for e in entries} if not money[order].sound)
    for order, of_order in _of_orders(read_all(Entry, evidence.rows(LEDGER).values())).items():
        if not of_order.sound:
            yield _breach(order, of_order)
    yield from _sound_book(evidence)


def _sound_balance(balance: Balance) -> Iterator[Breach]:
    if not ZERO <= balance.refunded <= balance.captured <= balance.authorized:
        yield Breach(
            6,
            f"order {balance.order_id}",
            f"authorized {balance.authorized}, captured {balance.captured}, refunded {balance.refunded}",
        )


def _sound_book(evidence: Evidence) -> Iterator[Breach]:
    for order, accounts in _accounts(evidence).items():
        for account in accounts:
            if not ZERO <= account.refunded <= account.captured <= account.authorized:
                yield Breach(6, f"order {order}", f"the provider's account is {account}")
        if sum(account.captured > 0 for account in accounts) > 1:
            yield Breach(6, f"order {order}", f"the provider has captured it {len(accounts)} times")


def _breach(order: str, money: Money) -> Breach:
    return Breach(6, f"order {order}", str(money))


# --- 7 ---


def all_books_agree(evidence: Evidence) -> Iterator[Breach]:
    """7: per currency, the ledger, the provider's book, the orders and analytics have taken the same."""
    money = _of_orders(read_all(Entry, evidence.rows(LEDGER).values()))
    taken = _summed((of_order.currency, of_order.taken) for of_order in money.values())
    others = {"orders": _of_bought(evidence, money), "analytics": _of_analytics(evidence)}
    if evidence.operations:
        others["the provider"] = _summed(_of_provider(evidence, money))
    for name, sums in others.items():
        for currency in sorted({*taken, *sums}):
            one, other = taken.get(currency, ZERO), sums.get(currency, ZERO)
            if one != other:
                yield Breach(7, currency, f"by the ledger {one} was taken, by {name} {other}")


def _of_provider(evidence: Evidence, money: Mapping[str, Money]) -> Iterator[tuple[str, Decimal]]:
    """What its accounts hold. A stuck refund may have come through there, whole or not at all: until somebody has found
    out the ledger counts."""
    for order, accounts in _accounts(evidence).items():
        known = money.get(order, Money())
        for account in accounts:
            left = account.captured - account.refunded
            explained = left in _possible(known)
            yield account.currency, known.taken if explained else left


def _possible(known: Money) -> set[Decimal]:
    """What the provider may still have of an order: each of its stuck refunds has come through, or has not."""
    possible = {known.taken}
    for key in known.told_stuck.keys() - known.came_through:
        possible |= {left - known.told_stuck[key] for left in possible}
    return possible


def _of_bought(evidence: Evidence, money: Mapping[str, Money]) -> Sums:
    """Totals of orders that were bought, less refunds; and what is stuck on its way back."""
    orders = read_all(Order, evidence.rows("orders.orders").values())
    none = Money()
    bought = ((o.currency, o.total - money.get(o.id, none).refunded) for o in orders if o.status in BOUGHT)
    stuck = ((m.currency, m.stuck) for o in orders if o.status not in BOUGHT and (m := money.get(o.id, none)).stuck)
    return _summed([*bought, *stuck])


def _of_analytics(evidence: Evidence) -> Sums:
    rows = evidence.rows("analytics.revenue")
    return _summed((key.partition("|")[0], read(Takings, value).amount) for key, value in rows.items())


def _summed(amounts: Iterable[tuple[str, Decimal]]) -> Sums:
    sums: Sums = defaultdict(Decimal)
    for currency, amount in amounts:
        sums[currency] += amount
    return {currency: amount for currency, amount in sums.items() if amount}


# --- 8 ---


def who_did_not_buy_holds_nothing(evidence: Evidence) -> Iterator[Breach]:
    """8: no money, at the provider as in the ledger, but for a refund that is known to be stuck; and no stock."""
    money = _of_orders(read_all(Entry, evidence.rows(LEDGER).values()))
    accounts = _accounts(evidence)
    reservations = read_all(Reservation, evidence.rows("inventory.reservations").values())
    held = {each.order_id: each.status for each in reservations if each.status in {"HELD", "COMMITTED"}}
    for order in read_all(Order, evidence.rows("orders.orders").values()):
        if order.status not in UNPAID:
            continue
        about, of_order = f"order {order.id}, {order.status}", money.get(order.id, Money())
        if order.id in held:
            yield Breach(8, about, f"its reservation is {held[order.id]}")
        if of_order.taken != of_order.stuck:
            told = f"captured {of_order.captured}, refunded {of_order.refunded}, told to be stuck {of_order.stuck}"
            yield Breach(8, about, told)
        for account in accounts.get(order.id, ()):
            if account.authorized and not account.captured and not account.voided:
                yield Breach(8, about, f"the provider still has {account.authorized} set aside")
            if account.captured - account.refunded not in _possible(of_order):
                yield Breach(8, about, f"the provider has captured {account.captured}, refunded {account.refunded}")
