"""A subject that counts wrong has no result."""

import pytest

from benchmarks.orders import orders
from benchmarks.results import Spending, Tally, WrongResult, check_spending

COUNT = 500


def spending() -> dict[str, Spending]:
    found: dict[str, Spending] = {}
    for user, cents in orders(COUNT):
        before = found.get(user, Spending(0, 0))
        found[user] = Spending(before.orders + 1, before.cents + cents)
    return found


def tally(cents: list[int]) -> Tally:
    made = Tally()
    for each in cents:
        made.add(each)
    return made


def test_every_order_once_is_right() -> None:
    tally([order.cents for order in orders(COUNT)]).check(COUNT)
    check_spending(spending(), COUNT)


def test_an_order_read_twice_is_wrong() -> None:
    cents = [order.cents for order in orders(COUNT)]
    with pytest.raises(WrongResult, match="501 orders"):
        tally([*cents, cents[0]]).check(COUNT)


def test_another_order_in_the_place_of_one_is_wrong() -> None:
    cents = [order.cents for order in orders(COUNT)]
    with pytest.raises(WrongResult):
        tally([cents[1], *cents[1:]]).check(COUNT)


def test_a_wrong_user_is_named() -> None:
    found = spending()
    user = next(iter(found))
    found[user] = found[user]._replace(cents=found[user].cents + 1)
    with pytest.raises(WrongResult, match=user):
        check_spending(found, COUNT)


def test_a_missing_user_is_wrong() -> None:
    found = spending()
    found.popitem()
    with pytest.raises(WrongResult, match="1 of"):
        check_spending(found, COUNT)
