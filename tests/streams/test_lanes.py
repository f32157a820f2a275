"""The filter of repeats against a model of senders that crash, repeat and overtake themselves."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.lanes import SILENCE, Lanes


def test_a_send_is_fresh_once() -> None:
    lanes = Lanes()
    assert lanes.fresh("a", 65536, 65536, 1)
    assert not lanes.fresh("a", 65536, 65536, 2)


def test_what_lies_below_the_highest_floor_is_a_repeat_even_if_never_seen_here() -> None:
    lanes = Lanes()
    lanes.fresh("a", 500, 500, 1)
    assert not lanes.fresh("a", 400, 400, 2)


def test_lanes_are_apart() -> None:
    lanes = Lanes()
    assert lanes.fresh("a", 1, 1, 1)
    assert lanes.fresh("b", 1, 1, 1)


def test_a_rollback_forgets_what_was_noted_since_the_last_settle() -> None:
    lanes = Lanes()
    lanes.fresh("a", 1, 1, 1)
    lanes.settle(1)
    lanes.fresh("a", 2, 2, 2)
    lanes.fresh("b", 9, 9, 2)
    lanes.rollback()
    assert lanes.fresh("a", 2, 2, 2)
    assert lanes.fresh("b", 9, 9, 2)
    assert not lanes.fresh("a", 1, 1, 2)


def test_a_lane_silent_for_ninety_days_of_log_time_is_forgotten() -> None:
    lanes = Lanes()
    lanes.fresh("a", 1, 1, 1_000)
    lanes.settle(1_000 + SILENCE)
    assert len(lanes) == 1
    lanes.settle(1_001 + SILENCE)
    assert len(lanes) == 0


def test_packing_keeps_everything() -> None:
    lanes = Lanes()
    for seq in (70_000, 65_536, 200_000):
        lanes.fresh("orders/orders/0@x", seq, 65_536, 5)
    again = Lanes(lanes.settle(5))
    assert not any(again.fresh("orders/orders/0@x", seq, 65_536, 6) for seq in (70_000, 65_536, 200_000))
    assert again.fresh("orders/orders/0@x", 70_001, 65_536, 6)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_through_crashes_and_lost_confirms_nothing_is_lost_or_doubled(seed: int) -> None:
    """A sender publishes outbox after outbox; each may be published again from any point, in part twice; a reader that
    sees only some of the lane, and packs and unpacks its state at any time, must take each number once."""
    random = Random(seed)
    wire, expected = _history(random)
    lanes, taken = Lanes(), []
    for seq, floor in wire:
        if random.random() < 0.1:
            lanes = Lanes(lanes.settle(0))
        if lanes.fresh("lane", seq, floor, 0):
            taken.append(seq)
    assert sorted(taken) == sorted(expected)
    assert len(taken) == len(set(taken))
    assert lanes.remembered <= 8


def _history(random: Random) -> tuple[list[tuple[int, int]], list[int]]:
    wire: list[tuple[int, int]] = []
    expected: list[int] = []
    seq = 0
    for _ in range(random.randint(1, 12)):
        outbox = []
        for _ in range(random.randint(1, 8)):
            seq += random.choice([1, 1, 65_536])
            outbox.append(seq)
        seen_here = [s for s in outbox if random.random() < 0.7]
        expected += seen_here
        wire += [(s, outbox[0]) for s in _published(random, outbox) if s in seen_here]
    return wire, expected


def _published(random: Random, outbox: list[int]) -> list[int]:
    """The outbox as it reaches the log: attempts that broke off anywhere, then one that came through."""
    wire: list[int] = []
    while random.random() < 0.5:
        wire += outbox[random.randrange(len(outbox)) : random.randint(0, len(outbox))]
    return wire + outbox
