"""The shelf of templates: versions never change, and nobody overwrites what somebody else has written."""

import asyncio

import pytest

from agents.notifications.tables import Template, templates
from agents.notifications.texts.builtin import builtin
from agents.notifications.texts.shelf import Shelf, Stale
from stores.memory import MemoryStore
from streams import Views


def texts(text: str) -> Template:
    return Template("order_paid", 0, text, text, text, text)


@pytest.fixture
async def shelf() -> Shelf:
    return await another(MemoryStore())


async def another(store: MemoryStore) -> Shelf:
    await store.open()
    await store.apply([templates.spec])
    return Shelf(Views({"notifications": store}).documents("notifications", templates))


async def test_what_nobody_has_changed_is_as_it_comes(shelf: Shelf) -> None:
    assert await shelf.current("order_paid") == builtin("order_paid") == await shelf.version("order_paid", 1)


async def test_every_version_is_kept_as_it_was(shelf: Shelf) -> None:
    assert [(await shelf.put(texts(text))).version for text in "abc"] == [2, 3, 4]
    assert (await shelf.current("order_paid")).text == "c"
    assert [(await shelf.version("order_paid", n)).text for n in (2, 3, 4)] == ["a", "b", "c"]
    assert await shelf.version("order_paid", 1) == builtin("order_paid")
    with pytest.raises(KeyError, match="has no version 5: the one in use is 4"):
        await shelf.version("order_paid", 5)


async def test_the_same_texts_again_are_no_new_version(shelf: Shelf) -> None:
    first = await shelf.put(texts("a"))
    assert await shelf.put(texts("a"), at=2) == first


async def test_who_has_read_an_older_version_changes_nothing(shelf: Shelf) -> None:
    await shelf.put(texts("a"), at=1)
    with pytest.raises(Stale, match="is at version 2, not 1"):
        await shelf.put(texts("b"), at=1)
    assert (await shelf.current("order_paid")).text == "a"


async def test_of_several_at_once_one_is_kept_under_each_number() -> None:
    store = MemoryStore()
    shelves = [await another(store) for _ in range(10)]
    await shelves[0].put(texts("first"))
    done = await asyncio.gather(*(shelf.put(texts(f"{n}")) for n, shelf in enumerate(shelves)), return_exceptions=True)
    kept = [one for one in done if isinstance(one, Template)]
    assert all(isinstance(one, Stale) for one in done if one not in kept)
    assert len({one.version for one in kept}) == len(kept) > 0
    for one in kept:
        assert await shelves[0].version("order_paid", one.version) == one


async def test_a_crash_between_keeping_the_old_one_and_using_the_new_one_harms_nothing() -> None:
    store = MemoryStore()
    shelf = await another(store)
    old = await shelf.put(texts("a"))
    await Views({"notifications": store}).documents("notifications", templates).put("order_paid@2", old, 0)
    assert (await shelf.put(texts("b"))).version == 3
    assert (await shelf.version("order_paid", 2)).text == "a"
