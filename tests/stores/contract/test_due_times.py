"""Due times and dead offsets change with the commit that they belong to."""

from dataclasses import replace

import pytest

from stores.errors import Fenced, StoreError
from stores.port import DueTime, Slot, Standing, Store
from tests.stores.samples import SLOT, a_commit, acquired

FOREVER = 2**62


def due(key: str, at: int, cause: str = "cause") -> DueTime:
    return DueTime(key, at, cause, b"\0message of " + key.encode())


async def put(store: Store, *times: DueTime, slot: Slot = SLOT) -> None:
    checkpoint = await acquired(store, slot)
    await store.commit(replace(a_commit(checkpoint), due={time.key: time for time in times}))


async def test_due_times_come_in_their_order_up_to_a_moment_and_a_limit(store: Store) -> None:
    await put(store, due("b", 20), due("a", 20), due("c", 10), due("d", 2**41))
    assert await store.due(SLOT, 20, 10) == [due("c", 10), due("a", 20), due("b", 20)]
    assert await store.due(SLOT, 20, 2) == [due("c", 10), due("a", 20)]
    assert await store.due(SLOT, 9, 10) == []
    assert (await store.due(SLOT, FOREVER, 10))[-1] == due("d", 2**41)


async def test_a_key_has_one_due_time_and_the_last_one_counts(store: Store) -> None:
    await put(store, due("a", 10, "first"))
    await put(store, due("a", 30, "second"), due("b", 5))
    assert await store.due(SLOT, FOREVER, 10) == [due("b", 5), due("a", 30, "second")]
    assert await store.causes(SLOT, ["a", "b", "c", "a"]) == {"a": "second", "b": "cause"}


async def test_a_cleared_due_time_is_gone_and_clearing_nothing_is_well(store: Store) -> None:
    await put(store, due("a", 10), due("b", 10))
    checkpoint = await acquired(store)
    await store.commit(replace(a_commit(checkpoint), due={"a": None, "never": None}))
    assert await store.due(SLOT, FOREVER, 10) == [due("b", 10)]
    assert await store.causes(SLOT, ["a"]) == {}


async def test_due_times_and_dead_offsets_belong_to_their_slot(store: Store) -> None:
    for slot in (Slot("a", 0), Slot("a", 1), Slot("b", 0)):
        checkpoint = await acquired(store, slot)
        time = due("k", 1, str(slot))
        await store.commit(replace(a_commit(checkpoint), due={"k": time}, dead=[slot.partition + 7]))
    assert await store.causes(Slot("a", 1), ["k"]) == {"k": "a/1"}
    assert await store.dead(Slot("a", 1), [7, 8]) == {8}
    assert await store.due(Slot("c", 0), FOREVER, 1) == []
    assert await store.dead(Slot("c", 0), [7]) == set()


async def test_dead_offsets_are_known_until_they_are_revived(store: Store) -> None:
    checkpoint = await acquired(store)
    await store.commit(replace(a_commit(checkpoint), dead=[5, 2**40]))
    await store.commit(replace(a_commit(checkpoint), dead=[5, 6]))
    assert await store.dead(SLOT, [4, 5, 6, 2**40]) == {5, 6, 2**40}
    await store.commit(replace(a_commit(checkpoint), revived=[5, 99]))
    assert await store.dead(SLOT, [5, 6, 2**40]) == {6, 2**40}


async def test_a_fenced_commit_changes_neither(store: Store) -> None:
    old = await acquired(store)
    await acquired(store)
    with pytest.raises(Fenced):
        await store.commit(replace(a_commit(old), due={"a": due("a", 1)}, dead=[1]))
    assert await store.due(SLOT, FOREVER, 10) == []
    assert await store.dead(SLOT, [1]) == set()


async def test_a_due_time_s_key_is_a_key(store: Store) -> None:
    checkpoint = await acquired(store)
    for key in ("\0", "x" * 1_025):
        with pytest.raises(StoreError):
            await store.commit(replace(a_commit(checkpoint), due={key: due(key, 1)}))
    await store.commit(replace(a_commit(checkpoint), due={"ä😀": due("ä😀", 1)}))
    assert await store.causes(SLOT, ["ä😀"]) == {"ä😀": "cause"}


async def test_standings_tell_how_far_slots_have_come(store: Store) -> None:
    await put(store, due("a", 1), due("b", 1), slot=Slot("b", 0))
    await acquired(store, Slot("a", 1))
    assert await store.standings() == [Standing(Slot("a", 1), -1, -1, 0, 0), Standing(Slot("b", 0), 1, -1, 2, 0)]
