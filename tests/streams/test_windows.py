from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.windows import Windowing, hopping, tumbling

times = st.integers(min_value=0, max_value=4_000_000_000_000)


@given(times, st.integers(1, 10**9))
def test_every_time_is_in_exactly_one_tumbling_window(time: int, size: int) -> None:
    (start,) = Windowing(size, size).starts(time)
    assert start <= time < start + size
    assert start % size == 0


@given(times, st.integers(1, 100_000), st.integers(1, 50))
def test_hopping_windows_are_all_those_that_hold_the_time(time: int, step: int, hops: int) -> None:
    windowing = Windowing(step * hops, step)
    starts = windowing.starts(time)
    assert (
        list(starts)
        == [s for s in range(time - step * hops - step, time + step) if s % step == 0 and s <= time < s + step * hops]
        if step < 200
        else True
    )
    assert len(starts) == hops
    assert starts[-1] == windowing.current(time)


def test_a_window_expires_once_the_watermark_has_passed_its_end_and_its_grace() -> None:
    windowing = tumbling(timedelta(seconds=10), expires=timedelta(seconds=5))
    assert not windowing.expired(0, 14_999)
    assert windowing.expired(0, 15_000)


def test_a_window_without_expiry_is_kept_for_good() -> None:
    assert not tumbling(timedelta(seconds=1)).expired(0, 10**15)


def test_windows_that_leave_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="step <= size"):
        hopping(timedelta(seconds=1), timedelta(seconds=2))
