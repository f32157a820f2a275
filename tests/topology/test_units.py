from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology.errors import TopologyError
from topology.units import format_bytes, format_duration, parse_bytes, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("1s", 1), ("90s", 90), ("2m", 120), ("12h", 43_200), ("90d", 7_776_000)],
)
def test_durations_have_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "90", "d", "0s", "-1s", "1.5h", "1 s", "1S", "1w", "s1", "9" * 18 + "d", "¹s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(TopologyError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("64KB", 64_000), ("5GB", 5_000_000_000), ("2GiB", 2_147_483_648)]
)
def test_sizes_have_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "5", "5 GB", "5gb", "0B", "-1B", "1.5GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(TopologyError):
        parse_bytes(text)


@given(st.integers(1, 10**12).map(lambda number: timedelta(milliseconds=number)))
def test_a_duration_survives_being_written(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(1, 10**18 - 1))
def test_a_size_survives_being_written(size: int) -> None:
    assert parse_bytes(format_bytes(size)) == size
