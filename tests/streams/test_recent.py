from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from streams.recent import WIDTH, PackedIds, RecentIds, digest

HOUR = 3_600_000


alike = st.lists(st.sampled_from(b"ab"), min_size=WIDTH, max_size=WIDTH).map(bytes)
"""Ids that are found across the border of two others, too."""


class OneBucket(PackedIds):
    BUCKETS = 1


def ids(at_most: int = 1000, rows: tuple = ()) -> RecentIds:  # type: ignore[type-arg]
    return RecentIds(keep=24 * HOUR, at_most=at_most, rows=rows)


def test_an_id_is_fresh_once_within_a_day_of_log_time() -> None:
    recent = ids()
    assert recent.fresh("a")
    recent.settle(1, 0)
    assert not recent.fresh("a")
    recent.settle(2, 24 * HOUR)
    assert not recent.fresh("a")


def test_an_id_is_forgotten_after_a_day_of_log_time() -> None:
    recent = ids()
    recent.fresh("a")
    recent.settle(1, 0)
    recent.fresh("b")
    _, forget = recent.settle(2, 24 * HOUR + 1)
    assert forget == 1
    assert recent.fresh("a")
    assert not recent.fresh("b")


def test_there_are_never_many_more_than_allowed() -> None:
    recent = ids(at_most=10)
    for batch in range(20):
        for n in range(3):
            recent.fresh(f"{batch}/{n}")
        recent.settle(batch, batch)
        assert len(recent) <= 10


def test_a_rollback_forgets_the_batch() -> None:
    recent = ids()
    recent.fresh("a")
    recent.rollback()
    assert recent.fresh("a")


def test_stored_rows_bring_everything_back() -> None:
    recent, names = ids(), [str(uuid4()), "not a uuid", "x" * 36]
    for name in names:
        recent.fresh(name)
    row, _ = recent.settle(5, 7)
    assert row is not None
    assert not any(ids(rows=(row,)).fresh(name) for name in names)


@given(st.text(max_size=40), st.text(max_size=40))
def test_different_ids_are_told_apart(one: str, other: str) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_a_uuid_is_kept_whole() -> None:
    name = uuid4()
    assert digest(str(name)) == name.bytes


@given(st.lists(alike), st.sets(st.integers(0, 50)))
def test_packed_ids_are_a_set(added: list[bytes], removed: set[int]) -> None:
    packed, plain = OneBucket(), set[bytes]()
    for id in added:
        assert packed.add(id) == (id not in plain)
        plain.add(id)
    gone = [id for n, id in enumerate(sorted(plain)) if n in removed]
    packed.remove(gone)
    assert len(packed) == len(plain) - len(gone)
    assert [id for id in sorted(plain) if not packed.add(id)] == sorted(plain.difference(gone))


def test_an_id_across_the_border_of_two_others_is_not_there() -> None:
    packed = OneBucket()
    packed.add(b"a" * 8 + b"b" * 8)
    packed.add(b"c" * 8 + b"d" * 8)
    assert packed.add(b"b" * 8 + b"c" * 8)
