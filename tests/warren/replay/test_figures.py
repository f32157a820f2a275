"""What the tables say, held against what the data says."""

from datetime import date
from decimal import Decimal

from warren.replay.figures import Figures, differences

DAY = date(2017, 1, 1)


def _figures(revenue: str, others: int = 0) -> Figures:
    return Figures(orders=2, lines=5, revenue=Decimal(revenue), days={DAY: Decimal(revenue)}, others=others)


def test_equal_figures_have_no_differences_whatever_else_the_tables_hold() -> None:
    assert differences(_figures("7.50"), _figures("7.50", others=3)) == []


def test_a_cent_is_a_difference_of_its_day_and_of_all() -> None:
    assert differences(_figures("7.50"), _figures("7.49")) == [
        "revenue: 7.49 in the tables, 7.50 in the data",
        "revenue of 2017-01-01: 7.49 in the tables, 7.50 in the data",
    ]


def test_what_a_longer_replay_left_is_named_as_the_likely_reason() -> None:
    *_, last = differences(_figures("7.50"), _figures("99.00", others=1_200))
    assert last.startswith("the tables hold 1,200 more orders of these days, as after a longer replay")
