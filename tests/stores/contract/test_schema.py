"""What `plan` foresees and `apply` does."""

import asyncio

import pytest

from stores.errors import SchemaMissing, StoreError, StoreUnavailable
from stores.port import Put, Store, TableSpec
from tests.stores.places import Place
from tests.stores.samples import ORDERS, PAYMENTS, SLOT, SPECS, TOTALS, acquired, keep


async def test_apply_does_what_plan_said_and_then_nothing(bare: Store) -> None:
    planned = await bare.plan(SPECS)
    assert {"orders", "totals", "payments", "warren_checkpoints"} <= {change.target for change in planned}
    assert all(change.action == "create" and change.statement for change in planned)
    assert await bare.apply(SPECS) == planned
    assert await bare.plan(SPECS) == []
    assert await bare.apply(SPECS) == []


async def test_apply_by_many_at_once_makes_everything_once(bare: Store) -> None:
    done = await asyncio.gather(*(bare.apply(SPECS) for _ in range(6)))
    assert sorted(map(bool, done)) == [False] * 5 + [True]
    await keep(bare, {"orders": [("a", b"{}")]})


async def test_an_index_can_be_added_to_a_table_with_rows_and_dropped_again(bare: Store) -> None:
    await bare.apply([TOTALS, PAYMENTS])
    await keep(bare, {"totals": [("a", b'{"city":"Ulm"}'), ("b", b'{"city":"Bonn"}')]})
    with pytest.raises(StoreError, match="no index for 'city'"):
        await bare.query("totals", order_by="city")
    indexed = TableSpec("totals", index=("city", "street"))
    assert [(change.action, change.target) for change in await bare.apply([indexed, PAYMENTS])] == [
        ("index", "totals.city"),
        ("index", "totals.street"),
    ]
    assert await bare.plan([indexed]) == []
    assert [row.key for row in (await bare.query("totals", order_by="city")).rows] == ["b", "a"]
    await keep(bare, {"totals": [("c", b'{"city":"Celle"}')]})
    assert [row.key for row in (await bare.query("totals", order_by="city")).rows] == ["b", "c", "a"]
    (dropped,) = await bare.apply([TableSpec("totals", index=("city",))])
    assert (dropped.action, dropped.target) == ("drop-index", "totals.street")
    assert [row.key for row in (await bare.query("totals", order_by="city")).rows] == ["b", "c", "a"]
    with pytest.raises(StoreError, match="no index for 'street'"):
        await bare.query("totals", equals={"street": "x"})


async def test_tables_that_no_spec_names_are_left_alone(store: Store) -> None:
    await keep(store, {"totals": [("a", b"1")]})
    assert await store.apply([ORDERS]) == []
    assert await store.scan("totals", 0) == {"a": b"1"}


async def test_a_table_cannot_become_documents(store: Store) -> None:
    with pytest.raises(StoreError, match="another name"):
        await store.plan([TableSpec("totals", "documents")])
    with pytest.raises(StoreError, match="another name"):
        await store.apply([TableSpec("payments")])


@pytest.mark.parametrize("name", ["", "1st", "sqlite_x", "warren_ids", "PG_x", 'a"b', "a b", "a:b", "x" * 49, "ä"])
async def test_a_name_that_not_every_store_can_hold_is_refused_by_all(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be the name"):
        await store.apply([TableSpec(name)])


@pytest.mark.parametrize("field", ["", "a.b", "a-b", "a'b", 'a"b', "$x", "1", "x" * 49])
async def test_a_field_that_not_every_store_can_index_is_refused_by_all(store: Store, field: str) -> None:
    with pytest.raises(StoreError, match="cannot be indexed"):
        await store.apply([TableSpec("more", index=(field,))])


async def test_names_that_differ_in_case_alone_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="rename one"):
        await store.apply([TableSpec("clicks"), TableSpec("Clicks")])
    with pytest.raises(StoreError, match="rename one"):
        await store.apply([TableSpec("clicks", index=("userId", "userid"))])


async def test_the_longest_and_the_oddest_names_work(store: Store) -> None:
    name, field = "T" + "x.y-z_" * 7 + "12345", "f" * 48
    await store.apply([TableSpec(name, index=(field, "key", "value", "select", "_"))])
    await keep(store, {name: [("a", b'{"select":"x"}')]})
    assert [row.key for row in (await store.query(name, equals={"select": "x"}, order_by=field)).rows] == ["a"]
    assert await store.plan([TableSpec(name, index=(field, "key", "value", "select", "_"))]) == []


async def test_without_tables_every_call_says_how_to_make_them(bare: Store) -> None:
    calls = [
        bare.acquire(SLOT, "w1", 60),
        bare.ids(SLOT),
        bare.fetch("orders", 0, ["a"]),
        bare.scan("orders", 0),
        bare.get("orders", ["a"]),
        bare.query("orders"),
        bare.query("orders", equals={"userId": "u"}),
        bare.read("payments", ["a"]),
        bare.write("payments", [Put("a", b"1", 0)]),
    ]
    for call in calls:
        with pytest.raises(SchemaMissing, match="warren stores apply"):
            await call


async def test_a_missing_table_says_how_to_make_it(store: Store) -> None:
    with pytest.raises(SchemaMissing, match="warren stores apply"):
        await store.scan("nowhere", 0)


async def test_a_store_can_be_used_while_indexes_come_and_go(store: Store) -> None:
    await keep(store, {"orders": [("a", b'{"total":5}')]})
    for index in (("userId", "status", "total"), ("userId",), ("status", "total")):
        await store.apply([TableSpec("orders", index=index), TOTALS, PAYMENTS])
        await keep(store, {"orders": [("b", b'{"total":5}')]})
        assert set(await store.scan("orders", 0)) == {"a", "b"}
        assert len((await store.query("orders", order_by=index[-1])).rows) == 2


async def test_a_store_that_is_not_open_says_so(place: Place) -> None:
    store = place.store()
    if store.capabilities.durability:
        with pytest.raises(StoreUnavailable, match="open"):
            await acquired(store)
    await store.close()
