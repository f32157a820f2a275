"""Commits of several slots are one: all of them are written, or none."""

from dataclasses import replace

import pytest

from stores.errors import Fenced, SchemaMissing
from stores.port import Checkpoint, Commit, DueTime, IdRow, Reset, Slot, Store
from tests.stores.samples import SLOT, a_commit, acquired

OTHER = Slot("orders", 1)


def moving(here: Checkpoint, there: Checkpoint) -> list[Commit]:
    """Row `a`, its due time and a dead offset go from here to there."""
    given = a_commit(here, {"orders": [("a", None)]})
    taken = a_commit(there, {"orders": [("a", b"1")]})
    due = DueTime("a", 1, "cause", b"message")
    return [replace(given, due={"a": None}, revived=[5], birth="anew"), replace(taken, due={"a": due}, dead=[5])]


async def full(store: Store) -> Checkpoint:
    """A slot with something of everything."""
    checkpoint = await acquired(store)
    due = {"a": DueTime("a", 1, "cause", b"message")}
    kept = a_commit(checkpoint, {"orders": [("a", b"1"), ("b", b"2")]})
    await store.commit(replace(kept, due=due, dead=[5, 6], ids=IdRow(1, 1, b"ids")))
    return checkpoint


async def test_what_one_slot_gives_up_another_has_at_once(store: Store) -> None:
    here, there = await full(store), await acquired(store, OTHER)
    await store.commit_together(moving(here, there))
    assert (await store.scan("orders", 0), await store.scan("orders", 1)) == ({"b": b"2"}, {"a": b"1"})
    assert (await store.due(SLOT, 9, 9), [due.key for due in await store.due(OTHER, 9, 9)]) == ([], ["a"])
    assert (await store.dead(SLOT, None), await store.dead(OTHER, None)) == ({6}, {5})


async def test_a_lane_named_anew_has_nothing_to_keep_quiet_about(store: Store) -> None:
    here, there = await acquired(store), await acquired(store, OTHER)
    for slot in (here, there):
        await store.reset(Reset(slot.slot, slot.epoch, (), -1, b"", 7))
    await store.commit_together(moving(here, there))
    renamed, same = await acquired(store), await acquired(store, OTHER)
    assert (renamed.birth, renamed.quiet) == ("anew", -1)
    assert (same.birth, same.quiet) == (there.birth, 7)


async def test_a_slot_that_is_lost_takes_all_of_them_with_it(store: Store) -> None:
    here, there = await full(store), await acquired(store, OTHER)
    await acquired(store, OTHER)
    with pytest.raises(Fenced):
        await store.commit_together(moving(here, there))
    assert (await store.scan("orders", 0), await store.scan("orders", 1)) == ({"a": b"1", "b": b"2"}, {})
    assert await store.dead(SLOT, None) == {5, 6}


async def test_a_table_that_is_not_there_takes_all_of_them_with_it(store: Store) -> None:
    here, there = await full(store), await acquired(store, OTHER)
    first, second = moving(here, there)
    with pytest.raises(SchemaMissing):
        await store.commit_together([first, replace(second, rows={"nowhere": [("a", b"1")]})])
    assert len(await store.scan("orders", 0)) == 2
