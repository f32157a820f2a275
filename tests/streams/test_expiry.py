"""Rows of windows go when their time is over, and windows are looked at only then."""

import pytest

from streams.expiry import Expiry
from streams.windows import Windowing
from streams.working import DELETED, Working

MINUTE = 60_000
WINDOWING = Windowing(size=MINUTE, step=MINUTE, expires=MINUTE)


@pytest.fixture
def working() -> Working:
    return Working("counts", bytes, None, resident=True)


def _row(key: str, minute: int) -> str:
    return f"{key}|1970-01-01T00:{minute:02}:00Z"


def test_loaded_rows_are_deleted_once_the_watermark_has_passed_them(working: Working) -> None:
    working.rows = {_row("a", 0): b"1", _row("b", 0): b"1", _row("a", 1): b"1"}
    expiry = Expiry(WINDOWING, working)
    expiry.load()
    expiry.mark(2 * MINUTE - 1)
    assert working.touched == {}
    expiry.mark(2 * MINUTE)
    assert working.touched == {_row("a", 0): DELETED, _row("b", 0): DELETED}


def test_rows_that_batches_added_expire_and_rows_that_they_deleted_do_not_again(working: Working) -> None:
    expiry = Expiry(WINDOWING, working)
    expiry.settle([(_row("a", 5), b"1"), (_row("a", 3), b"1"), (_row("b", 3), b"1"), (_row("a", 4), b"1")])
    expiry.settle([(_row("b", 3), None)])
    expiry.mark(6 * MINUTE)
    assert set(working.touched) == {_row("a", 3), _row("a", 4)}
    expiry.settle([(key, None) for key in working.touched])
    working.touched = {}
    expiry.mark(6 * MINUTE)
    assert working.touched == {}


def test_what_a_late_event_touches_is_deleted_at_once(working: Working) -> None:
    working.touched = {_row("a", 0): b"1"}
    Expiry(WINDOWING, working).mark(9 * MINUTE)
    assert working.touched == {_row("a", 0): DELETED}
