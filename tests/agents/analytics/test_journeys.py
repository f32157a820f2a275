"""Funnels and cohorts of single visitors."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.analytics.journeys import A_MINUTE, Reached, buy, sign_up, step
from agents.analytics.visitor import (
    A_DAY,
    DAYS_KEPT,
    STEPS,
    WITHIN,
    Cohort,
    Funnel,
    Visitor,
    cohorts_together,
    visitors_together,
)
from agents.analytics.visitor import funnels_together as together

DAY = 20_000
"""A day, from 1970."""
VIEWED, CART, CHECKOUT, CREATED, CAPTURED = range(len(STEPS))


def walk(*taken: tuple[int, int], visitor: Visitor | None = None) -> dict[int, int]:
    """How far each day has led, after steps at minutes of DAY."""
    visitor = visitor or Visitor()
    depths: dict[int, int] = {}
    for which, minute in taken:
        for day, before, after in step(visitor, which, (DAY * A_DAY + minute) * A_MINUTE):
            assert depths.get(day - DAY, 0) == before < after
            depths[day - DAY] = after
    return depths


def test_the_whole_way_in_order_is_five_steps() -> None:
    assert walk((VIEWED, 0), (CART, 1), (CHECKOUT, 2), (CREATED, 3), (CAPTURED, 4)) == {0: 5}


def test_steps_in_one_minute_are_in_order() -> None:
    assert walk((VIEWED, 7), (CART, 7), (CHECKOUT, 7), (CREATED, 7), (CAPTURED, 7)) == {0: 5}


def test_a_step_before_the_one_it_follows_leads_nowhere() -> None:
    assert walk((VIEWED, 10), (CART, 9)) == {0: 1}
    assert walk((CART, 9), (CHECKOUT, 11)) == {}


def test_a_step_left_out_ends_the_way() -> None:
    assert walk((VIEWED, 0), (CHECKOUT, 2), (CREATED, 3)) == {0: 1}


def test_the_last_step_comes_within_a_day_of_the_first() -> None:
    assert walk((VIEWED, 0), (CART, WITHIN)) == {0: 2}
    assert walk((VIEWED, 0), (CART, WITHIN + 1)) == {0: 1}


def test_a_way_counts_for_the_day_that_it_began() -> None:
    late = A_DAY - 1
    assert walk((VIEWED, late), (CART, late + 2), (VIEWED, late + 3)) == {0: 2, 1: 1}


def test_a_visitor_counts_once_a_day() -> None:
    assert walk((VIEWED, 0), (VIEWED, 5), (CART, 6), (VIEWED, 7), (CART, 8)) == {0: 2}


def test_the_same_step_in_the_same_minute_changes_nothing() -> None:
    visitor = Visitor()
    assert step(visitor, VIEWED, DAY * A_DAY * A_MINUTE) == [Reached(DAY, 0, 1)]
    assert step(visitor, VIEWED, DAY * A_DAY * A_MINUTE + 59_999) == []
    assert visitor.minutes[VIEWED] == [DAY * A_DAY]


def test_what_comes_later_than_is_kept_counts_for_nothing() -> None:
    assert walk((VIEWED, 0), (VIEWED, -DAYS_KEPT * A_DAY)) == {0: 1, -DAYS_KEPT: 1}
    assert walk((VIEWED, 0), (VIEWED, -DAYS_KEPT * A_DAY - 1)) == {0: 1}


def test_old_steps_are_forgotten() -> None:
    visitor = Visitor()
    walk(*((VIEWED, minute) for minute in range(0, 30 * A_DAY, A_DAY // 4)), visitor=visitor)
    assert len(visitor.minutes[VIEWED]) == 4 * DAYS_KEPT + 1
    assert len(visitor.depths) <= DAYS_KEPT + 1


def naive(taken: set[tuple[int, int]]) -> dict[int, int]:
    """How far each day leads, by trying every way."""
    times = [sorted(minute for which, minute in taken if which == wanted) for wanted in range(len(STEPS))]

    def deepest(start: int, at: int, depth: int) -> int:
        nexts = [m for m in times[depth] if at <= m <= start + WITHIN] if depth < len(STEPS) else []
        return max((deepest(start, m, depth + 1) for m in nexts), default=depth)

    found: dict[int, int] = {}
    for start in times[0]:
        found[start // A_DAY] = max(found.get(start // A_DAY, 0), deepest(start, start, 1))
    return found


steps = st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, DAYS_KEPT * A_DAY - 1))
close = st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 20).map(lambda n: n * WITHIN // 8))


@given(st.lists(st.one_of(steps, close), max_size=14), st.randoms(use_true_random=False))
def test_in_any_order_and_repeated_it_is_what_trying_every_way_finds(
    taken: list[tuple[int, int]], chance: random.Random
) -> None:
    shuffled = taken + taken[: len(taken) // 2]
    chance.shuffle(shuffled)
    assert walk(*shuffled) == naive(set(taken))


def test_a_month_is_bought_in_once_and_counts_for_the_cohort_when_it_is_known() -> None:
    visitor = Visitor()
    assert not buy(visitor, "2026-02")
    assert sign_up(visitor, "2026-01") == ["2026-02"]
    assert sign_up(visitor, "2026-03") == []
    assert buy(visitor, "2026-01")
    assert not buy(visitor, "2026-01")
    assert (visitor.signup, visitor.bought) == ("2026-01", ["2026-01", "2026-02"])


def test_funnels_and_cohorts_of_partitions_add_up() -> None:
    funnel = Funnel()
    for before, after in pairwise((0, 1, 3)):
        funnel.reach(before, after)
    assert funnel == Funnel(1, 1, 1)
    assert together(funnel, Funnel(2, 1)) == Funnel(3, 2, 1)
    one, other = Cohort(2, {"2026-01": 1}), Cohort(1, {"2026-01": 1, "2026-02": 1})
    assert cohorts_together(one, other) == Cohort(3, {"2026-01": 2, "2026-02": 1})


def test_what_two_partitions_know_of_a_visitor_is_put_together() -> None:
    one, other = Visitor(signup="2026-01", bought=["2026-02"]), Visitor(bought=["2026-01", "2026-02"])
    walk((VIEWED, 0), visitor=one)
    walk((VIEWED, 0), (VIEWED, 1), (CART, 2), visitor=other)
    whole = visitors_together(one, other)
    assert whole == visitors_together(other, one)
    assert whole.minutes[VIEWED] == [DAY * A_DAY, DAY * A_DAY + 1]
    assert (whole.depths, whole.signup, whole.bought) == ({DAY: 2}, "2026-01", ["2026-01", "2026-02"])
