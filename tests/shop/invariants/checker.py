"""The checker: all invariants of the shop, each by its number in docs/invariants.md."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from tests.shop.invariants import again, due, edge, events, letters, money, orders, stock
from tests.shop.invariants.evidence import Breach, Evidence

Check = Callable[[Evidence], Iterator[Breach]]

CHECKS: Final[Mapping[tuple[int, ...], Check]] = {
    (1, 2): stock.reserved_is_there_and_held,
    (3,): stock.what_is_there_has_come_in,
    (4,): orders.each_order_ends_by_a_valid_path,
    (5,): due.nothing_outlives_its_due_time,
    (6,): money.no_more_than_there_is,
    (7,): money.all_books_agree,
    (8,): money.who_did_not_buy_holds_nothing,
    (9,): letters.nobody_is_told_twice,
    (10,): events.every_change_has_its_event,
    (11,): events.analytics_saw_everything,
    (12,): again.repeats_change_nothing,
    (13,): again.rebuilt_is_the_same,
    (14,): orders.totals_are_what_lines_cost,
    (15,): edge.one_key_is_one_order,
    (16,): edge.one_unspent_token_in_a_family,
    (17,): letters.paid_is_told_of_what_is_paid,
    (18,): events.causes_have_no_cycle,
    (19,): edge.at_most_a_hundred_in_any_minute,
}
MOST: Final = 20
"""Breaches of one check that are told: where one is, there are often thousands."""


def breaches(evidence: Evidence) -> list[Breach]:
    """Every invariant that does not hold. Empty: all of them do, as far as the evidence goes."""
    return [breach for check in CHECKS.values() for breach in islice(check(evidence), MOST)]
