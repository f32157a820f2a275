"""Who may take a slot, and what taking it does."""

import asyncio

import pytest

from stores.errors import Fenced
from stores.port import Epoch, Holding, Roster, Slot, Store
from tests.stores.places import Place
from tests.stores.samples import SLOT, a_commit, acquired


async def test_each_takeover_raises_the_epoch_and_keeps_the_birth(store: Store) -> None:
    first = await acquired(store)
    second = await acquired(store)
    assert second.epoch == first.epoch + 1
    assert second.birth == first.birth


async def test_a_slot_of_a_live_worker_is_not_given_away(store: Store) -> None:
    mine = await acquired(store, worker="w1")
    assert await store.acquire(SLOT, "w2", 60) is None
    await store.commit(a_commit(mine))


async def test_other_slots_of_the_agent_are_free(store: Store) -> None:
    await acquired(store, Slot("orders", 0), "w1")
    assert await store.acquire(Slot("orders", 1), "w2", 60) is not None
    assert await store.acquire(Slot("ledger", 0), "w2", 60) is not None


async def test_a_slot_is_free_when_its_owners_heartbeat_has_run_out(store: Store, place: Place) -> None:
    await acquired(store, worker="w1", ttl=600)
    await place.elapse(500)
    assert await store.acquire(SLOT, "w2", 60) is None
    await place.elapse(101)
    assert await store.acquire(SLOT, "w2", 60) is not None
    assert await store.acquire(SLOT, "w1", 60) is None


async def test_a_heartbeat_keeps_all_slots_of_a_worker(store: Store, place: Place) -> None:
    slots = [Slot("orders", n) for n in range(3)]
    for slot in slots:
        await acquired(store, slot, "w1", 60)
    await place.elapse(50)
    await store.heartbeat("w1", 60)
    await place.elapse(50)
    assert [await store.acquire(slot, "w2", 60) for slot in slots] == [None, None, None]
    await place.elapse(20)
    assert all([await store.acquire(slot, "w2", 60) for slot in slots])


async def test_a_heartbeat_counts_from_when_it_was_sent(store: Store, place: Place) -> None:
    await acquired(store, worker="w1", ttl=600)
    await store.heartbeat("w1", 10)
    await place.elapse(11)
    assert await store.acquire(SLOT, "w2", 60) is not None


async def test_an_attempt_to_take_a_slot_is_a_heartbeat_even_where_it_fails(store: Store, place: Place) -> None:
    await acquired(store, Slot("ledger"), "w2", 60)
    await acquired(store, SLOT, "w1", 600)
    await place.elapse(50)
    assert await store.acquire(SLOT, "w2", 60) is None
    await place.elapse(50)
    assert await store.acquire(Slot("ledger"), "w3", 60) is None


async def test_a_released_slot_is_free_at_once(store: Store) -> None:
    mine = await acquired(store, worker="w1")
    await store.release(SLOT, mine.epoch)
    taken = await store.acquire(SLOT, "w2", 60)
    assert taken is not None
    assert taken.epoch == mine.epoch + 1


async def test_a_slot_that_another_has_taken_cannot_be_released(store: Store, place: Place) -> None:
    old = await acquired(store, worker="w1", ttl=60)
    await place.elapse(61)
    await acquired(store, worker="w2")
    await store.release(SLOT, old.epoch)
    await store.release(Slot("nobody"), Epoch(1))
    assert await store.acquire(SLOT, "w3", 60) is None


async def test_the_roster_tells_who_is_alive_and_who_holds_what(store: Store, place: Place) -> None:
    assert await store.roster() == Roster(frozenset(), {})
    first = await acquired(store, Slot("orders", 0), "w1", 60)
    second = await acquired(store, Slot("orders", 1), "w2", 120)
    given_up = await acquired(store, Slot("orders", 2), "w2", 120)
    await store.release(given_up.slot, given_up.epoch)
    await store.heartbeat("w3", 120)
    mine, theirs = Holding("w1", first.epoch), Holding("w2", second.epoch)
    everyone = frozenset(["w1", "w2", "w3"])
    assert await store.roster() == Roster(everyone, {first.slot: mine, second.slot: theirs})
    await place.elapse(61)
    assert await store.roster() == Roster(everyone - {"w1"}, {second.slot: theirs})


async def test_a_worker_that_has_left_holds_nothing_more(store: Store) -> None:
    mine = await acquired(store, worker="w1")
    await store.heartbeat("w1", 0)
    assert await store.roster() == Roster(frozenset(), {})
    taken = await acquired(store, worker="w2")
    assert taken.epoch == mine.epoch + 1


async def test_of_many_workers_at_once_one_gets_the_slot(store: Store) -> None:
    taken = await asyncio.gather(*(store.acquire(SLOT, f"w{n}", 60) for n in range(8)))
    assert len([checkpoint for checkpoint in taken if checkpoint is not None]) == 1


async def test_of_many_workers_at_once_one_gets_the_slot_of_a_dead_one(store: Store, place: Place) -> None:
    dead = await acquired(store, worker="dead", ttl=1)
    await place.elapse(2)
    taken = await asyncio.gather(*(store.acquire(SLOT, f"w{n}", 60) for n in range(8)))
    epochs = [checkpoint.epoch for checkpoint in taken if checkpoint is not None]
    assert epochs == [dead.epoch + 1]


async def test_where_a_store_is_exclusive_a_slot_of_an_earlier_process_is_free_at_once(place: Place) -> None:
    first = place.store()
    await first.open()
    await first.apply([])
    await acquired(first, worker="w1", ttl=600)
    await first.close()
    second = place.store()
    await second.open()
    taken = await second.acquire(SLOT, "w2", 60)
    assert (taken is not None) == second.capabilities.exclusive
    await second.close()


async def test_a_slot_of_a_live_worker_can_be_seized(store: Store) -> None:
    mine = await acquired(store, worker="w1", ttl=600)
    seized = await store.acquire(SLOT, "w2", 60, seize=True)
    assert seized is not None
    assert (seized.epoch, seized.birth) == (mine.epoch + 1, mine.birth)
    with pytest.raises(Fenced):
        await store.commit(a_commit(mine))
    await store.commit(a_commit(seized))
    assert await store.acquire(SLOT, "w1", 60) is None


async def test_a_heartbeat_from_before_the_clock_was_set_back_keeps_no_slot(store: Store, place: Place) -> None:
    if store.capabilities.exclusive:
        return  # its clock cannot be set
    await acquired(store, worker="dead", ttl=10)
    await place.elapse(-7_200)
    assert await store.roster() == Roster(frozenset(), {})
    taken = await acquired(store, worker="w2", ttl=10)
    assert await store.roster() == Roster(frozenset(["w2"]), {SLOT: Holding("w2", taken.epoch)})
