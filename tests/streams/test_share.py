"""The even spread of slots, decided by each worker for itself."""

from hypothesis import given
from hypothesis import strategies as st

from stores.port import Epoch, Holding, Roster, Slot
from streams.share import quota, share


def slots(count: int) -> list[Slot]:
    return [Slot("count", number) for number in range(count)]


def roster(workers: str, held: dict[int, str]) -> Roster:
    return Roster(frozenset(workers), {Slot("count", n): Holding(w, Epoch(1)) for n, w in held.items()})


def test_a_worker_alone_takes_everything() -> None:
    alone = share("a", slots(3), roster("a", {}))
    assert sorted(alone.take) == slots(3)
    assert not alone.give


def test_a_worker_that_is_not_on_the_roster_yet_counts_itself() -> None:
    assert quota("b", slots(4), roster("a", {0: "a"})) == 2


def test_a_joining_worker_is_given_what_is_above_the_others_share_and_no_more() -> None:
    now = roster("abc", {0: "a", 1: "a", 2: "b", 3: "b"})
    given = [share(worker, slots(4), now).give for worker in "abc"]
    assert [len(give) for give in given] == [0, 1, 0]
    assert quota("c", slots(4), now) == 1


def test_what_others_do_not_know_does_not_count() -> None:
    now = roster("ab", {0: "a", 7: "b", 8: "b"})
    assert quota("a", slots(2), now) == 1


def test_nothing_moves_where_shares_differ_by_one() -> None:
    now = roster("ab", {0: "b", 1: "b", 2: "a"})
    assert not share("a", slots(3), now).give
    assert not share("b", slots(3), now).give


def test_a_tool_holds_slots_for_a_while_and_has_no_share() -> None:
    now = Roster(frozenset(["a", "b", "tool-1"]), dict(roster("", {0: "a", 1: "tool-1", 2: "b", 3: "b"}).held))
    assert [quota(worker, slots(4), now) for worker in "ab"] == [2, 2]
    assert not share("a", slots(4), now).take
    assert not share("b", slots(4), now).give


@given(st.sets(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=6), st.integers(0, 12), st.data())
def test_workers_that_all_look_and_act_are_soon_in_balance_and_then_at_rest(
    workers: set[str], count: int, data: st.DataObject
) -> None:
    names = sorted(workers)
    held = {s: data.draw(st.sampled_from([*names, ""])) for s in slots(count)}
    for _ in range(3):
        now = Roster(frozenset(names), {s: Holding(w, Epoch(1)) for s, w in held.items() if w})
        shares = {worker: share(worker, slots(count), now) for worker in data.draw(st.permutations(names))}
        for worker, own in shares.items():
            held |= {s: worker for s in own.take if not held[s]} | dict.fromkeys(own.give, "")
    while "" in held.values():
        now = Roster(frozenset(names), {s: Holding(w, Epoch(1)) for s, w in held.items() if w})
        for worker in names:
            held |= {s: worker for s in share(worker, slots(count), now).take if not held[s]}
    had = [list(held.values()).count(worker) for worker in names]
    assert max(had) - min(had) <= 1
    at_rest = Roster(frozenset(names), {s: Holding(w, Epoch(1)) for s, w in held.items()})
    assert all(not share(w, slots(count), at_rest).give and not share(w, slots(count), at_rest).take for w in names)
