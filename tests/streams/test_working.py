from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import Record, working
from streams.errors import NotLoaded
from streams.ready import Ready
from streams.scope import Scope
from streams.working import Working


class At:
    """The first event of a batch."""

    serial = first = index = 0


class Tally(Record):
    n: int = 0
    seen: list[str] = msgspec.field(default_factory=list)


def table(default: Callable[[], Any] | None = int, type_: Any = int, *, resident: bool = True) -> Working:
    return Working("t", msgspec.json.Decoder(type_).decode, default, resident=resident)


def settled(working: Working) -> dict[str, bytes | None]:
    changes = working.changes()
    working.settle(changes)
    return dict(changes)


def test_a_row_changed_often_is_written_once() -> None:
    counts = table()
    for _ in range(100):
        counts["a"] += 1
    assert settled(counts) == {"a": b"100"}


def test_reading_a_missing_key_makes_its_row_as_in_faust() -> None:
    counts = table()
    assert counts["a"] == 0
    assert settled(counts) == {"a": b"0"}


def test_without_default_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        table(default=None)["a"]


def test_what_is_read_and_not_changed_is_not_written() -> None:
    counts = table()
    counts["a"] = 1
    settled(counts)
    assert counts["a"] == 1
    assert counts.changes() == []


def test_a_change_in_place_counts_like_an_assignment() -> None:
    tallies = table(Tally, Tally)
    tallies["a"].seen.append("x")
    settled(tallies)
    tallies["a"].n += 1
    assert settled(tallies) == {"a": b'{"n":1,"seen":["x"]}'}


def test_a_rollback_forgets_changes_in_place_too() -> None:
    tallies = table(Tally, Tally)
    tallies["a"].n = 1
    settled(tallies)
    tallies["a"].n = 2
    tallies["b"].n = 3
    tallies.rollback()
    assert tallies["a"].n == 1
    assert "b" not in tallies


def test_what_two_keys_shared_in_one_batch_they_do_not_share_in_the_next() -> None:
    tallies = table(Tally, Tally)
    tallies["a"] = tallies["b"] = Tally()
    settled(tallies)
    tallies["a"].n = 1
    assert tallies["b"].n == 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "grow", "read", "delete", "settle", "roll back"]), st.sampled_from("abc")),
    min_size=30,
    max_size=60,
)


@given(STEPS, st.sampled_from([0, 600, 1_200, 5_000]))
def test_whatever_is_kept_decoded_rows_are_as_they_were_written(steps: list[tuple[str, str]], room: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(working, "Ready", partial(Ready, room))
        tallies, here, written = table(None, Tally), dict[str, list[str]](), dict[str, list[str]]()
        for number, (step, key) in enumerate(steps):
            if step == "set":
                tallies[key], here[key] = Tally(seen=[str(number)]), [str(number)]
            elif step == "grow" and key in here:
                tallies[key].seen.append(str(number))
                here[key] = [*here[key], str(number)]
            elif step == "delete" and key in here:
                del tallies[key], here[key]
            elif step == "settle":
                settled(tallies)
                written = dict(here)
            elif step == "roll back":
                tallies.rollback()
                here = dict(written)
            found = tallies.peek(key)
            assert (found and found.seen) == here.get(key)


def test_deleting_and_making_again() -> None:
    counts = table()
    counts["a"] = 1
    settled(counts)
    del counts["a"]
    assert "a" not in counts
    assert settled(counts) == {"a": None}
    assert counts["a"] == 0
    with pytest.raises(KeyError):
        del counts["z"]


def test_a_key_made_and_deleted_in_one_batch_leaves_nothing() -> None:
    counts = table()
    counts["a"] = 1
    del counts["a"]
    assert settled(counts) == {}


def test_what_is_not_loaded_reads_as_absent_and_a_scope_guards_it() -> None:
    counts = table(resident=False)
    counts.load(["a", "b"], {"a": b"5"})
    counts.scope = Scope("t", At(), lambda index: ["a", "b"])
    assert counts["a"] == 5
    assert counts["b"] == 0
    with pytest.raises(NotLoaded, match="await table"):
        counts["c"]
    counts["c"] = 1
    assert counts["c"] == 1


def test_after_a_batch_its_changes_and_what_was_loaded_stay_at_hand() -> None:
    counts = table(resident=False)
    counts.load(["a", "b", "c", "d"], {"a": b"5", "b": b"6", "c": b"7"})
    counts["a"] += 1
    del counts["b"]
    settled(counts)
    assert counts.unloaded(["a", "b", "c", "d"]) == ["d"]
    assert counts["a"] == 6
    assert "b" not in counts
    assert counts["c"] == 7


def test_what_was_deleted_is_asked_for_again_once_the_store_knows() -> None:
    counts = table(resident=False)
    counts.load(["a"], {"a": b"5"})
    del counts["a"]
    settled(counts)
    assert counts.unloaded(["a"]) == []
    settled(counts)
    assert counts.unloaded(["a"]) == ["a"]


def test_peeking_makes_no_row() -> None:
    counts = table()
    assert counts.peek("a") is None
    assert counts.changes() == []
