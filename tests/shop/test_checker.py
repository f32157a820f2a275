"""Each invariant is broken once, in one place, and the checker names it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.shop.invariants.checker import CHECKS, breaches
from tests.shop.invariants.evidence import Admission, Commit, Evidence, Letter, Message, RefreshToken, Request
from tests.shop.sound import (
    CANCELLED,
    DECLINED,
    NOON,
    PAID,
    REFUND,
    TEA,
    USER,
    Table,
    account,
    at,
    balance,
    encoded,
    entry,
    notification,
    order,
    reservation,
    sound,
    stock,
)

Break = Callable[[], Evidence]
EVERYTHING = "analytics.all.events"


def changed(table: str, key: str, value: Mapping[str, Any] | None) -> Break:
    """The shop with one row that is otherwise (None: gone)."""

    def change(tables: dict[str, Table]) -> None:
        if value is None:
            del tables[table][key]
        else:
            tables[table][key] = dict(value)

    return lambda: sound(change)


def with_history(*commits: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Break:
    """The shop at rest as it should be, after these commits."""

    def broken() -> Evidence:
        first = [
            Commit({name: {key: encoded(value) for key, value in rows.items()} for name, rows in commit.items()})
            for commit in commits
        ]
        evidence = sound()
        return replace(evidence, history=[*first, *evidence.history])

    return broken


def with_log(change: Callable[[list[Message]], list[Message]]) -> Break:
    """The shop with another log of all events."""

    def broken() -> Evidence:
        evidence = sound()
        return replace(evidence, logs={**evidence.logs, EVERYTHING: change(list(evidence.logs[EVERYTHING]))})

    return broken


def without(type: str) -> Break:
    """The shop in which an event was never published."""

    def broken() -> Evidence:
        evidence = with_log(lambda log: [message for message in log if message.type != type])()
        return replace(evidence, published={id: t for id, t in evidence.published.items() if t != type})

    return broken


def otherwise(**parts: Any) -> Break:
    """The shop with other parts of the evidence."""
    return lambda: replace(sound(), **parts)


def again(how: str) -> Break:
    """The shop in which a table that is made once more lacks a row."""

    def broken() -> Evidence:
        evidence = sound()
        rows = dict(evidence.tables["orders.orders"])
        del rows[PAID]
        return replace(evidence, again={**evidence.again, how: {"orders.orders": rows}})

    return broken


def last_caused_by_first(log: list[Message]) -> list[Message]:
    of_order = [message for message in log if message.correlation == f"c-{PAID}"]
    first = log.index(of_order[0])
    log[first] = replace(log[first], causation=of_order[-1].id)
    return log


def another_correlation(log: list[Message]) -> list[Message]:
    last = max(index for index, message in enumerate(log) if message.correlation == f"c-{PAID}")
    log[last] = replace(log[last], correlation="c-other")
    return log


def another_total(log: list[Message]) -> list[Message]:
    paid = next(index for index, message in enumerate(log) if message.type == "order.paid")
    log[paid] = replace(log[paid], body=encoded({"orderId": PAID, "total": "19.00", "currency": "EUR"}))
    return log


def with_stuck(amount: str, came_through: str) -> Break:
    """The shop whose refund is told to be stuck, of such an amount; the provider has given so much back."""

    def change(tables: dict[str, Table]) -> None:
        refund = f"refund:{REFUND}"
        del tables["payments.ledger"][f"{CANCELLED}:{refund}:refunded"]
        tables["payments.ledger"]["stuck"] = {**entry(CANCELLED, refund, "refund_stuck"), "amount": amount}
        tables["payments.balances"][CANCELLED] = balance(CANCELLED, "20.00", "0.00")
        tables["analytics.revenue"] = {"EUR|2026-01-01T00:00:00Z": {"amount": "40.00", "orders": 2}}

    of_provider = encoded(account(f"auth_{CANCELLED}", "20.00", came_through))
    return lambda: replace(sound(change), accounts={**sound().accounts, f"auth_{CANCELLED}": of_provider})


FULL = ("PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID")
HELD = {f"main|{PAID}": reservation(PAID, "HELD")}

BROKEN: dict[str, tuple[int, Break]] = {
    "more reserved than there is, for a moment": (1, with_history({"inventory.stock": {"s": stock(1, 2)}})),
    "less on hand than nothing": (1, changed("inventory.stock", f"main|{TEA}", stock(-1, 0))),
    "reserved and not held, for a moment": (2, with_history({"inventory.stock": {"s": stock(9, 2)}})),
    "held and not reserved": (2, with_history({"inventory.reservations": HELD, "inventory.stock": {"s": stock(9, 0)}})),
    "on hand what never came": (3, changed("inventory.stock", f"main|{TEA}", stock(9, 0))),
    "an event of what left is missing": (3, without("inventory.committed")),
    "an order that stays under way": (4, changed("orders.orders", PAID, order(PAID, *FULL[:3], payment_status="NONE"))),
    "a status left out": (4, changed("orders.orders", PAID, order(PAID, *FULL[:2], "PAID", payment_status="CAPTURED"))),
    "a second end": (
        4,
        changed("orders.orders", DECLINED, order(DECLINED, *FULL[:2], "EXPIRED", "CANCELLED", payment_status="NONE")),
    ),
    "a due time that passed": (5, otherwise(due=[("orders order.overdue", NOON)])),
    "held beyond its expiry": (5, changed("inventory.reservations", f"main|{PAID}", reservation(PAID, "HELD"))),
    "nothing due for an order under way": (
        5,
        changed("orders.orders", PAID, order(PAID, "PENDING", payment_status="NONE")),
    ),
    "more refunded than captured, for a moment": (
        6,
        with_history({"payments.balances": {PAID: balance(PAID, "20.00", "20.01")}}),
    ),
    "captured twice": (
        6,
        changed("payments.ledger", "again", entry(PAID, "capture-2", "captured")),
    ),
    "captured without an authorization": (6, changed("payments.ledger", f"{PAID}:authorize:authorized", None)),
    "more captured by the provider than authorized": (
        6,
        otherwise(accounts={**sound().accounts, f"auth_{PAID}": encoded(account(f"auth_{PAID}", "30.00", "0"))}),
    ),
    "revenue that nobody paid": (
        7,
        changed("analytics.revenue", "EUR|2026-01-01T00:00:00Z", {"amount": "40.00", "orders": 2}),
    ),
    "a provider that took less": (
        7,
        otherwise(accounts={**sound().accounts, f"auth_{PAID}": encoded(account(f"auth_{PAID}", "0", "0"))}),
    ),
    "a cancelled order that was not refunded": (
        8,
        changed("payments.ledger", f"{CANCELLED}:refund:00000000-0000-0000-0000-0000000000cc:refunded", None),
    ),
    "a refund that is stuck and gave back a part": (7, with_stuck("20.00", "7.00")),
    "a stuck refund of less than is kept": (8, with_stuck("5.00", "0.00")),
    "more given back by the provider than is stuck": (8, with_stuck("5.00", "20.00")),
    "a declined order that keeps its stock": (
        8,
        changed("inventory.reservations", f"main|{DECLINED}", reservation(DECLINED, "COMMITTED")),
    ),
    "a declined order whose money stays set aside": (
        8,
        otherwise(
            operations={
                **sound().operations,
                f"{DECLINED}:authorize": encoded({"answer": {"outcome": "done", "reference": "auth_d"}}),
            },
            accounts={**sound().accounts, "auth_d": encoded(account("auth_d", "0", "0"))},
        ),
    ),
    "two notifications sent": (
        9,
        changed("notifications.notifications", "another", notification(PAID, "order_paid")),
    ),
    "what was sent is tried again": (
        9,
        with_history(
            {"notifications.notifications": {"n": notification(PAID, "order_shipped")}},
            {"notifications.notifications": {"n": {**notification(PAID, "order_shipped"), "status": "SENDING"}}},
        ),
    ),
    "a letter that arrived twice": (9, otherwise(letters=[Letter(PAID, "order_paid", "email", USER)] * 2)),
    "a change without its event": (10, without("order.cancelled")),
    "a line of the ledger without its event": (10, without("payment.refunded")),
    "an event that analytics never saw": (11, otherwise(published={"elsewhere": "order.paid"})),
    "repeats that change something": (12, again("repeated")),
    "a rebuild that differs": (13, again("rebuilt")),
    "a total that its lines do not cost": (
        14,
        changed("orders.orders", PAID, {**order(PAID, *FULL, payment_status="CAPTURED"), "total": "21.00"}),
    ),
    "a total that changes": (14, with_log(another_total)),
    "one key, two orders": (
        15,
        otherwise(requests=[*(Request(USER, "k", id) for id in (PAID, CANCELLED)), Request(USER, "d", DECLINED)]),
    ),
    "an order that nobody asked for": (15, otherwise(requests=[Request(USER, "k", PAID)])),
    "two unspent tokens": (16, otherwise(refresh_tokens=[RefreshToken("f", spent=False)] * 2)),
    "told of a payment that was not": (17, otherwise(letters=[Letter(DECLINED, "order_paid", "email", USER)])),
    "a cycle of causes": (18, with_log(last_caused_by_first)),
    "a chain with two correlation ids": (18, with_log(another_correlation)),
    "a hundred and one in a minute": (19, otherwise(admissions=[Admission("c", 0.5 * n) for n in range(101)])),
}


def test_a_shop_in_which_all_is_well_has_no_breach() -> None:
    assert breaches(sound()) == []


@pytest.mark.parametrize("came_through", ["0.00", "20.00"])
def test_a_refund_that_is_told_to_be_stuck_is_there_or_is_not(came_through: str) -> None:
    found = breaches(with_stuck("20.00", came_through)())
    assert not {7, 8} & {breach.number for breach in found}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_noticed_by_its_number(what: str) -> None:
    number, broken = BROKEN[what]
    assert number in {breach.number for breach in breaches(broken())}


def test_every_invariant_is_broken_by_some_test() -> None:
    assert {number for number, _ in BROKEN.values()} == {number for numbers in CHECKS for number in numbers}
    assert {number for number, _ in BROKEN.values()} == set(range(1, 20))


def test_a_breach_names_the_order_and_what_shows_it() -> None:
    (breach,) = breaches(changed("orders.orders", DECLINED, order(DECLINED, *FULL[:2], payment_status="NONE"))())[:1]
    assert str(breach) == f"invariant 4, order {DECLINED}: it stands at RESERVED"
    assert at(1) == "2026-01-01T12:00:01Z"
