"""The histogram's promise: any quantile is within ERROR of what it is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.analytics.histogram import ERROR, Bins, add, bin_of, quantile

durations = st.lists(st.integers(0, 40 * 86_400_000), min_size=1, max_size=200)
shares = st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0])


def histogram(values: list[int]) -> Bins:
    bins: Bins = {}
    for value in values:
        add(bins, {bin_of(value): 1})
    return bins


@given(durations, shares)
def test_a_quantile_is_within_the_stated_error(values: list[int], share: float) -> None:
    true = sorted(values)[math.ceil(share * len(values)) - 1]
    found = quantile(histogram(values), share)
    assert found is not None
    assert abs(found - true) <= max(ERROR * true * 1.000_001, 1)


@given(durations, durations)
def test_two_histograms_add_up_to_that_of_all(ours: list[int], theirs: list[int]) -> None:
    bins = histogram(ours)
    add(bins, histogram(theirs))
    assert bins == histogram(ours + theirs)


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile({}, 0.95) is None


def test_a_share_is_at_most_one() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        quantile({3: 1}, 1.5)


def test_a_month_of_milliseconds_has_few_bins() -> None:
    assert bin_of(31 * 86_400_000) <= 550
    assert bin_of(0) == bin_of(1) == 0
