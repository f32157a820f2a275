"""A commit happens as a whole, once, and only for the owner."""

import asyncio
import os
from dataclasses import replace

import pytest

from stores.errors import Fenced, SchemaMissing, StoreError
from stores.port import DueTime, Epoch, IdRow, Slot, Store
from tests.stores.places import Place
from tests.stores.samples import SLOT, a_commit, acquired, keep


async def test_what_is_committed_is_read_back_at_the_next_takeover(store: Store) -> None:
    checkpoint = await acquired(store)
    await store.commit(
        replace(a_commit(checkpoint), position=2**40, anchor=b"\0\xff", seen=b"", watermark=-5, outbox=b"\x01\0")
    )
    read = await acquired(store)
    assert read == replace(
        checkpoint,
        epoch=Epoch(checkpoint.epoch + 1),
        position=2**40,
        anchor=b"\0\xff",
        seen=b"",
        watermark=-5,
        outbox=b"\x01\0",
    )


async def test_a_new_slot_begins_before_its_first_event(store: Store) -> None:
    checkpoint = await acquired(store)
    assert (checkpoint.position, checkpoint.anchor, checkpoint.seen) == (-1, b"", b"")
    assert (checkpoint.watermark, checkpoint.outbox, checkpoint.birth) == (0, b"", "born")


async def test_an_outbox_of_8_mib_survives_and_can_be_cleared(store: Store) -> None:
    checkpoint = await acquired(store)
    outbox = os.urandom(4 << 20) + b"compressible" * (4 << 20 // 12)
    await store.commit(replace(a_commit(checkpoint), outbox=outbox))
    assert (await acquired(store)).outbox == outbox
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint))
    assert (await acquired(store)).outbox == b""


async def test_rows_of_several_tables_and_the_position_change_together(store: Store) -> None:
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint, {"orders": [("b", b"1"), ("a", b"2")], "totals": [("a", b"3")]}, 5))
    assert await store.scan("orders", 0) == {"a": b"2", "b": b"1"}
    assert await store.scan("totals", 0) == {"a": b"3"}
    await store.commit(a_commit(checkpoint, {"orders": [("b", None), ("a", b"9"), ("c", b"4"), ("x", None)]}, 6))
    assert await store.scan("orders", 0) == {"a": b"9", "c": b"4"}
    assert (await acquired(store)).position == 6


async def test_a_commit_with_an_earlier_epoch_is_fenced_and_writes_nothing(store: Store) -> None:
    old = await acquired(store)
    await acquired(store)
    commit = replace(a_commit(old, {"orders": [("a", b"1")]}), ids=IdRow(1, 1, b"id"))
    with pytest.raises(Fenced):
        await store.commit(commit)
    assert await store.scan("orders", 0) == {}
    assert await store.ids(SLOT) == []
    assert (await acquired(store)).position == -1


async def test_a_commit_with_an_earlier_epoch_takes_nothing_away(store: Store) -> None:
    old = await acquired(store)
    due = DueTime("k", 1, "cause", b"message")
    full = replace(a_commit(old, {"orders": [("a", b"1")]}), ids=IdRow(1, 1, b"id"), due={"k": due}, dead=[5])
    await store.commit(full)
    await acquired(store)
    emptied = replace(a_commit(old, {"orders": [("a", None)]}, 2), forget_ids_to=1, due={"k": None}, revived=[5])
    renewed = replace(full, rows={}, ids=None, due={"k": due._replace(at=2)}, dead=[6])
    for commit in (emptied, renewed):
        with pytest.raises(Fenced):
            await store.commit(commit)
    assert await store.scan("orders", 0) == {"a": b"1"}
    assert await store.ids(SLOT) == [IdRow(1, 1, b"id")]
    assert (await store.due(SLOT, 9, 9), await store.dead(SLOT, None)) == ([due], {5})


async def test_a_commit_to_a_slot_that_nobody_took_is_fenced(store: Store) -> None:
    checkpoint = await acquired(store)
    with pytest.raises(Fenced):
        await store.commit(replace(a_commit(checkpoint), slot=Slot("orders", 1)))


async def test_a_commit_that_fails_at_its_last_table_writes_nothing(store: Store) -> None:
    checkpoint = await acquired(store)
    with pytest.raises(SchemaMissing):
        await store.commit(a_commit(checkpoint, {"orders": [("a", b"1")], "nowhere": [("a", b"1")]}))
    assert await store.scan("orders", 0) == {}
    await store.commit(a_commit(checkpoint, {"orders": [("a", b"2")]}, 3))
    assert await store.scan("orders", 0) == {"a": b"2"}


async def test_rows_cannot_be_committed_to_documents(store: Store) -> None:
    checkpoint = await acquired(store)
    with pytest.raises(StoreError):
        await store.commit(a_commit(checkpoint, {"payments": [("a", b"1")]}))
    assert await store.read("payments", ["a"]) == {}


async def test_a_takeover_during_a_commit_sees_all_of_it_or_fences_it(store: Store) -> None:
    for _ in range(10):
        old = await acquired(store)
        rows = {"orders": [(f"k{n}", b"%d" % old.epoch) for n in range(200)]}
        done, taken = await asyncio.gather(
            store.commit(a_commit(old, rows, old.position + 1)), acquired(store), return_exceptions=True
        )
        assert not isinstance(taken, BaseException)
        kept = await store.fetch("orders", 0, ["k0", "k199"])
        if isinstance(done, Fenced):
            assert taken.position == old.position
            assert b"%d" % old.epoch not in kept.values()
        else:
            assert done is None
            assert taken.position == old.position + 1
            assert set(kept.values()) == {b"%d" % old.epoch}


async def test_ids_are_kept_by_position_until_they_are_forgotten(store: Store) -> None:
    checkpoint = await acquired(store)
    for position in (10, 20, 30):
        commit = replace(a_commit(checkpoint, position=position), ids=IdRow(position, position * 100, b"%d" % position))
        await store.commit(commit)
    assert await store.ids(SLOT) == [IdRow(10, 1000, b"10"), IdRow(20, 2000, b"20"), IdRow(30, 3000, b"30")]
    await store.commit(replace(a_commit(checkpoint, position=31), forget_ids_to=20))
    assert await store.ids(SLOT) == [IdRow(30, 3000, b"30")]


async def test_ids_are_forgotten_before_new_ones_are_added(store: Store) -> None:
    checkpoint = await acquired(store)
    await store.commit(replace(a_commit(checkpoint, position=10), ids=IdRow(10, 1, b"old")))
    await store.commit(replace(a_commit(checkpoint, position=5), ids=IdRow(5, 2, b"new"), forget_ids_to=2**62))
    await store.commit(replace(a_commit(checkpoint, position=5), ids=IdRow(5, 3, b"again")))
    assert await store.ids(SLOT) == [IdRow(5, 3, b"again")]


async def test_ids_are_forgotten_before_new_ones_are_kept_at_the_same_position(store: Store) -> None:
    checkpoint = await acquired(store)
    for position in (3, 5):
        await store.commit(replace(a_commit(checkpoint, position=position), ids=IdRow(position, 1, b"old")))
    await store.commit(replace(a_commit(checkpoint, position=5), ids=IdRow(5, 2, b"new"), forget_ids_to=2**31))
    assert await store.ids(SLOT) == [IdRow(5, 2, b"new")]


async def test_ids_belong_to_their_slot(store: Store) -> None:
    for slot in (Slot("a", 0), Slot("a", 1), Slot("b", 0)):
        checkpoint = await acquired(store, slot)
        await store.commit(replace(a_commit(checkpoint), ids=IdRow(1, 1, str(slot).encode())))
    await store.commit(replace(a_commit(await acquired(store, Slot("a", 0))), forget_ids_to=5))
    assert await store.ids(Slot("a", 0)) == []
    assert await store.ids(Slot("a", 1)) == [IdRow(1, 1, b"a/1")]
    assert await store.ids(Slot("b", 0)) == [IdRow(1, 1, b"b/0")]


async def test_slots_commit_at_once_without_hindering_each_other(store: Store) -> None:
    slots = [Slot("orders", n) for n in range(12)]
    checkpoints = [await acquired(store, slot) for slot in slots]
    keys = [f"k{n}" for n in range(300)]
    for round_ in range(3):
        await asyncio.gather(
            *(store.commit(a_commit(c, {"totals": [(key, b"%d" % round_) for key in keys]})) for c in checkpoints)
        )
    for slot in slots:
        assert await store.scan("totals", slot.partition) == dict.fromkeys(keys, b"2")


async def test_an_opened_store_has_what_a_closed_one_committed(place: Place) -> None:
    first = place.store()
    await first.open()
    await first.open()
    await first.apply([])
    checkpoint = await acquired(first)
    await first.commit(a_commit(checkpoint, position=77))
    await first.close()
    await first.close()
    second = place.store()
    await second.open()
    # The same worker, since PostgreSQL does not know that its process has ended.
    assert (await acquired(second)).position == 77
    await second.close()


async def test_a_commit_after_a_commit_of_the_same_rows_replaces_them(store: Store) -> None:
    for value in (b'{"n":1}', b'{"n": 1.0}', b'"\\u00e9\xc3\xa9"', b"null", b"[]"):
        await keep(store, {"totals": [("k", value)]})
        assert await store.scan("totals", 0) == {"k": value}
