"""What `plan` foresees and `apply` does for collections of documents."""

import asyncio

import pytest

from stores.errors import SchemaMissing, StoreError, StoreUnavailable
from stores.port import Put, Store, TableSpec
from tests.stores.places import Place
from tests.stores.samples import COLLECTIONS, LETTERS, PAYMENTS, put

CITIES = TableSpec("letters", "documents", index=("city", "street"))


async def ids_by(store: Store, field: str) -> list[str]:
    return [row.key for row in (await store.query("letters", order_by=field, limit=5000)).rows]


async def test_apply_does_what_plan_said_and_then_nothing(bare: Store) -> None:
    planned = await bare.plan(COLLECTIONS)
    assert {"letters", "payments"} <= {change.target for change in planned}
    assert all(change.action == "create" and change.statement for change in planned)
    assert await bare.apply(COLLECTIONS) == planned
    assert await bare.plan(COLLECTIONS) == []
    assert await bare.apply(COLLECTIONS) == []


async def test_apply_by_many_at_once_makes_everything_once(bare: Store) -> None:
    done = await asyncio.gather(*(bare.apply(COLLECTIONS) for _ in range(6)))
    assert sorted(map(bool, done)) == [False] * 5 + [True]


async def test_an_index_can_be_added_to_documents_and_dropped_again(bare: Store) -> None:
    await bare.apply([TableSpec("letters", "documents"), PAYMENTS])
    await put(bare, "letters", {"a": b'{"city":"Ulm"}', "b": b'{"city":"Bonn"}'})
    with pytest.raises(StoreError, match="no index for 'city'"):
        await ids_by(bare, "city")
    done = [(change.action, change.target) for change in await bare.apply([CITIES])]
    assert done == [("index", "letters.city"), ("index", "letters.street")]
    assert await bare.plan([CITIES]) == []
    assert await ids_by(bare, "city") == ["b", "a"]
    await put(bare, "letters", {"c": b'{"city":"Celle"}'})
    assert await ids_by(bare, "city") == ["b", "c", "a"]
    (dropped,) = await bare.apply([TableSpec("letters", "documents", ("city",))])
    assert (dropped.action, dropped.target) == ("drop-index", "letters.street")
    assert await ids_by(bare, "city") == ["b", "c", "a"]
    with pytest.raises(StoreError, match="no index for 'street'"):
        await ids_by(bare, "street")


async def test_an_index_that_comes_back_knows_nothing_of_what_it_was(bare: Store) -> None:
    await bare.apply([CITIES])
    await put(bare, "letters", {"a": b'{"city":"Ulm"}'})
    await bare.apply([TableSpec("letters", "documents")])
    await bare.write("letters", [Put("a", b'{"city":"Bonn"}', 1)])
    await bare.apply([CITIES])
    assert [row.key for row in (await bare.query("letters", equals={"city": "Ulm"})).rows] == []
    assert [row.key for row in (await bare.query("letters", equals={"city": "Bonn"})).rows] == ["a"]


async def test_an_index_is_made_while_documents_are_written(bare: Store) -> None:
    await bare.apply([TableSpec("letters", "documents")])
    await put(bare, "letters", {f"{n:04}": b'{"city":"Ulm"}' for n in range(2000)})

    async def move(first: int) -> None:
        for n in range(first, 2000, 40):
            assert await bare.write("letters", [Put(f"{n:04}", b'{"city":"Bonn"}', 1)]) == [True]

    await asyncio.gather(bare.apply([CITIES]), *(move(first) for first in range(4)))
    moved = [f"{n:04}" for n in range(2000) if n % 40 < 4]
    assert [row.key for row in (await bare.query("letters", equals={"city": "Bonn"}, limit=5000)).rows] == moved
    assert len(await ids_by(bare, "city")) == 2000


async def test_collections_that_no_spec_names_are_left_alone(store: Store) -> None:
    await put(store, "payments", {"p": b"1"})
    assert await store.apply([LETTERS]) == []
    assert list(await store.read("payments", ["p"])) == ["p"]


@pytest.mark.parametrize("name", ["", "1st", "warren_ids", 'a"b', "a b", "a:b", "x" * 49, "ä"])
async def test_a_name_that_not_every_store_can_hold_is_refused_by_all(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be the name"):
        await store.apply([TableSpec(name, "documents")])


async def test_names_that_differ_in_case_alone_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="rename one"):
        await store.apply([TableSpec("clicks", "documents"), TableSpec("Clicks", "documents")])


async def test_without_collections_every_call_says_how_to_make_them(bare: Store) -> None:
    for call in (
        bare.get("letters", ["a"]),
        bare.query("letters"),
        bare.query("letters", equals={"userId": "u"}),
        bare.read("letters", ["a"]),
        bare.read("letters", []),
        bare.write("letters", [Put("a", b"1", 0)]),
    ):
        with pytest.raises(SchemaMissing, match="warren stores apply"):
            await call


async def test_what_one_service_keeps_is_there_when_the_store_is_opened_again(place: Place) -> None:
    first = place.store()
    await first.open()
    await first.open()
    await first.apply(COLLECTIONS)
    await put(first, "letters", {"a": b"1"})
    await first.close()
    await first.close()
    second = place.store()
    await second.open()
    assert list(await second.read("letters", ["a"])) == ["a"]
    await second.close()


async def test_a_store_that_is_not_open_says_so(place: Place) -> None:
    store = place.store()
    if store.capabilities.durability:
        with pytest.raises(StoreUnavailable, match="open"):
            await store.read("letters", ["a"])
    await store.close()
