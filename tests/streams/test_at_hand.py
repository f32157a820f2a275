"""Rows that stay in memory: the latest, and never fewer than the store may lack."""

from streams.at_hand import OVERHEAD, AtHand

ROW = b"1"
THREE = 3 * (OVERHEAD + len(ROW))


def test_the_oldest_rows_make_room() -> None:
    rows = AtHand(THREE)
    rows.load({"a": ROW, "b": ROW})
    rows.settle([("c", ROW)])
    assert list(rows) == ["a", "b", "c"]
    rows.settle([("a", ROW), ("d", ROW)])
    assert list(rows) == ["c", "a", "d"]


def test_what_a_batch_has_written_stays_however_much_it_is() -> None:
    rows = AtHand(THREE)
    rows.load({"loaded": ROW})
    written = {str(n): ROW for n in range(10)}
    rows.settle(list(written.items()))
    assert rows == written
    rows.settle([("a", ROW)])
    assert list(rows) == ["8", "9", "a"]


def test_what_was_deleted_is_gone_and_takes_no_room() -> None:
    rows = AtHand(THREE)
    rows.load({"a": ROW, "b": ROW, "c": ROW})
    rows.settle([("b", None), ("d", ROW), ("unknown", None)])
    assert list(rows) == ["a", "c", "d"]


def test_larger_rows_take_more_room() -> None:
    rows = AtHand(THREE)
    rows.load({"a": ROW, "b": ROW})
    rows.settle([("c", b"1" * THREE)])
    assert list(rows) == ["c"]
    rows.settle([("c", ROW), ("d", ROW)])
    assert list(rows) == ["c", "d"]
