"""Going back in a log, and putting a shadow in a slot's place, happen as a whole and only for the owner."""

from dataclasses import replace

import pytest

from stores.errors import Fenced, SchemaMissing, StoreError
from stores.port import Checkpoint, DueTime, Epoch, IdRow, Reset, Slot, Store
from tests.stores.samples import SLOT, a_commit, acquired

OTHER = Slot("orders", 1)
SHADOW = Slot("orders.shadow", 0)


async def fill(store: Store, slot: Slot, table: str, value: bytes, position: int = 9) -> Checkpoint:
    """Something of everything that a slot may have."""
    checkpoint = await acquired(store, slot)
    commit = replace(
        a_commit(checkpoint, {table: [("a", value), (f"of {slot}", value)]}, position),
        outbox=b"outbox",
        seen=b"seen of " + value,
        ids=IdRow(position, 1, value),
        due={"k": DueTime("k", 1, value.decode(), b"message")},
        dead=[int(value)],
    )
    await store.commit(commit)
    return checkpoint


def reset(checkpoint: Checkpoint, **changes: object) -> Reset:
    values = {"tables": ("orders", "totals"), "position": 3, "anchor": b"back", "quiet": 9, **changes}
    return Reset(checkpoint.slot, checkpoint.epoch, **values)  # type: ignore[arg-type]  # a test's shorthand


async def test_a_reset_leaves_nothing_of_what_the_slot_made(store: Store) -> None:
    other = await fill(store, OTHER, "orders", b"2")
    checkpoint = await fill(store, SLOT, "orders", b"1")
    await store.reset(reset(checkpoint))
    assert await store.scan("orders", 0) == {}
    assert (await store.ids(SLOT), await store.due(SLOT, 9, 9), await store.dead(SLOT, [1])) == ([], [], set())
    assert await acquired(store) == replace(
        checkpoint, epoch=Epoch(checkpoint.epoch + 1), position=3, anchor=b"back", quiet=9
    )
    assert await store.scan("orders", 1) == {"a": b"2", "of orders/1": b"2"}
    assert len(await store.ids(OTHER)) == len(await store.due(OTHER, 9, 9)) == len(await store.dead(OTHER, [2])) == 1
    assert (await acquired(store, OTHER)).position == other.position + 10


async def test_a_reset_may_give_the_lane_another_name(store: Store) -> None:
    await store.reset(reset(await acquired(store), birth="reborn"))
    checkpoint = await acquired(store)
    assert checkpoint.birth == "reborn"
    await store.reset(reset(checkpoint))
    assert (await acquired(store)).birth == "reborn"


async def test_a_commit_after_a_reset_keeps_the_offset_up_to_which_sends_are_off(store: Store) -> None:
    checkpoint = await acquired(store)
    await store.reset(reset(checkpoint, quiet=2**40))
    await store.commit(a_commit(checkpoint))
    assert (await acquired(store)).quiet == 2**40


async def test_a_reset_with_an_earlier_epoch_is_fenced_and_changes_nothing(store: Store) -> None:
    old = await fill(store, SLOT, "orders", b"1")
    await acquired(store)
    with pytest.raises(Fenced):
        await store.reset(reset(old))
    assert await store.scan("orders", 0) == {"a": b"1", "of orders/0": b"1"}
    assert (await acquired(store)).position == 9


async def test_a_reset_of_a_table_that_is_not_there_changes_nothing(store: Store) -> None:
    checkpoint = await fill(store, SLOT, "orders", b"1")
    with pytest.raises(SchemaMissing):
        await store.reset(reset(checkpoint, tables=("orders", "nowhere")))
    assert len(await store.scan("orders", 0)) == 2


async def test_a_shadow_takes_the_place_of_a_slot_as_a_whole(store: Store) -> None:
    await fill(store, OTHER, "orders", b"3")
    checkpoint = await fill(store, SLOT, "orders", b"1")
    await fill(store, SHADOW, "totals", b"2")
    await store.swap(SLOT, checkpoint.epoch, SHADOW, {"orders": "totals"})
    assert await store.scan("orders", 0) == {"a": b"2", "of orders.shadow/0": b"2"}
    assert await store.scan("totals", 0) == {}
    assert await store.scan("orders", 1) == {"a": b"3", "of orders/1": b"3"}
    assert await store.ids(SLOT) == [IdRow(9, 1, b"2")]
    assert await store.causes(SLOT, ["k"]) == {"k": "2"}
    assert await store.dead(SLOT, [1, 2, 3]) == {2}
    assert await acquired(store) == replace(
        checkpoint,
        epoch=Epoch(checkpoint.epoch + 1),
        position=9,
        anchor=b"anchor",
        seen=b"seen of 2",
        watermark=7,
        outbox=b"outbox",
    )
    assert [standing.slot for standing in await store.standings()] == [SLOT, OTHER]


async def test_a_shadows_rows_are_found_by_their_fields(store: Store) -> None:
    checkpoint = await fill(store, SLOT, "orders", b"1")
    shadow = await acquired(store, SHADOW)
    await store.commit(a_commit(shadow, {"totals": [("a", b'{"userId":"u"}'), ("b", b'{"userId":"v"}')]}, 9))
    await store.swap(SLOT, checkpoint.epoch, SHADOW, {"orders": "totals"})
    assert [row.key for row in (await store.query("orders", equals={"userId": "v"})).rows] == ["b"]
    await store.commit(a_commit(checkpoint, {"orders": [("b", b'{"userId":"w"}')]}, 10))
    assert (await store.query("orders", equals={"userId": "v"})).rows == []
    assert [row.key for row in (await store.query("orders", order_by="userId")).rows] == ["a", "b"]


async def test_after_a_swap_nobody_has_the_shadow(store: Store) -> None:
    checkpoint = await fill(store, SLOT, "orders", b"1")
    await fill(store, SHADOW, "totals", b"2")
    await store.swap(SLOT, checkpoint.epoch, SHADOW, {"orders": "totals"})
    assert (await acquired(store, SHADOW, "w2")).epoch == 1


async def test_a_shadow_that_is_elsewhere_in_the_log_takes_no_place(store: Store) -> None:
    checkpoint = await fill(store, SLOT, "orders", b"1")
    await fill(store, SHADOW, "totals", b"2", position=8)
    for shadow in (SHADOW, Slot("nobody", 0)):
        with pytest.raises(StoreError) as raised:
            await store.swap(SLOT, checkpoint.epoch, shadow, {"orders": "totals"})
        assert not isinstance(raised.value, Fenced)
    assert await store.scan("orders", 0) == {"a": b"1", "of orders/0": b"1"}
    assert len(await store.scan("totals", 0)) == 2


async def test_a_swap_with_an_earlier_epoch_is_fenced_and_changes_nothing(store: Store) -> None:
    old = await fill(store, SLOT, "orders", b"1")
    await fill(store, SHADOW, "totals", b"2")
    await acquired(store)
    with pytest.raises(Fenced):
        await store.swap(SLOT, old.epoch, SHADOW, {"orders": "totals"})
    assert len(await store.scan("totals", 0)) == 2
