"""Rows by key, and the keys and values that a store holds."""

import pytest

from stores.errors import StoreError
from stores.port import Row, Slot, Store
from tests.stores.samples import a_commit, acquired, keep

ODD_KEYS = (
    "",
    " ",
    "plain",
    "PLAIN",
    "quote'double\"back\\slash`",
    "%_[]*?^$()",
    "; DROP TABLE orders; --",
    "line\nbreak\ttab\x01\x7f",
    "é",
    "e\u0301",
    "日本語",
    "\ud7ff\ue000\uffff",
    "😀🏳️‍🌈",
    "\U0010ffff",
    "123",
    "00123",
    "null",
    "1e2",
    "x" * 1024,
    "é" * 512,
)


async def test_odd_keys_are_kept_as_they_are(store: Store) -> None:
    rows = {key: b'{"key":%d}' % n for n, key in enumerate(ODD_KEYS)}
    await keep(store, {"totals": list(rows.items())})
    assert await store.scan("totals", 0) == rows
    assert await store.fetch("totals", 0, ODD_KEYS) == rows
    assert {row.key: row.value for row in await store.get("totals", ODD_KEYS)} == rows
    await keep(store, {"totals": [(key, None) for key in ODD_KEYS]})
    assert await store.scan("totals", 0) == {}


async def test_rows_come_in_the_order_of_code_points(store: Store) -> None:
    await keep(store, {"totals": [(key, b"1") for key in ODD_KEYS]})
    assert [row.key for row in await store.get("totals", ODD_KEYS)] == sorted(ODD_KEYS)
    assert [row.key for row in (await store.query("totals")).rows] == sorted(ODD_KEYS)


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513, "nul\0", "half \ud83d"])
async def test_a_key_that_not_every_store_can_hold_is_refused_by_all(store: Store, key: str) -> None:
    checkpoint = await acquired(store)
    with pytest.raises(StoreError):
        await store.commit(a_commit(checkpoint, {"totals": [("good", b"1"), (key, b"1")]}))
    with pytest.raises(StoreError):
        await store.commit(a_commit(checkpoint, {"totals": [("good", b"1"), (key, None)]}))
    for read in (store.get("totals", [key]), store.fetch("totals", 0, [key]), store.read("payments", [key])):
        with pytest.raises(StoreError):
            await read
    assert await store.scan("totals", 0) == {}


async def test_values_are_kept_byte_for_byte(store: Store) -> None:
    values = (
        b'{"b": 1, "a": 1.0, "a": 1e400}',
        b' [1,2 , "\\u0000\\ud83d\\ude00"] ',
        "\"€ 'quoted' 😀\"".encode(),
        b"12345678901234567890123456789",
        b"null",
        b'"' + b"long" * 500_000 + b'"',
    )
    await keep(store, {"totals": [(str(n), value) for n, value in enumerate(values)]})
    assert await store.scan("totals", 0) == {str(n): value for n, value in enumerate(values)}


async def test_fetch_gives_the_keys_that_exist_in_that_partition(store: Store) -> None:
    await keep(store, {"totals": [("a", b"1"), ("b", b"2")]}, Slot("totals", 0))
    await keep(store, {"totals": [("a", b"3"), ("c", b"4")]}, Slot("totals", 1))
    assert await store.fetch("totals", 0, ["a", "c", "a", "zzz"]) == {"a": b"1"}
    assert await store.fetch("totals", 1, ["a", "c"]) == {"a": b"3", "c": b"4"}
    assert await store.fetch("totals", 2, ["a"]) == {}
    assert await store.fetch("totals", 0, []) == {}


async def test_scan_gives_one_partition(store: Store) -> None:
    await keep(store, {"totals": [("a", b"1")]}, Slot("totals", 0))
    await keep(store, {"totals": [("a", b"2")]}, Slot("totals", 1))
    assert await store.scan("totals", 0) == {"a": b"1"}
    assert await store.scan("totals", 1) == {"a": b"2"}
    assert await store.scan("totals", 7) == {}


async def test_get_gives_a_key_of_every_partition(store: Store) -> None:
    for partition in (2, 0, 1):
        await keep(store, {"totals": [("a", b"%d" % partition), ("b", b"0")]}, Slot("totals", partition))
    assert await store.get("totals", ["b", "a", "a", "none"]) == [
        *(Row(partition, "a", b"%d" % partition) for partition in (0, 1, 2)),
        *(Row(partition, "b", b"0") for partition in (0, 1, 2)),
    ]
    assert await store.get("totals", []) == []


async def test_thousands_of_rows_are_written_read_and_removed_in_one_call_each(store: Store) -> None:
    rows = {f"key-{n}": b'{"n":%d}' % n for n in range(25_000)}
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint, {"totals": list(rows.items())}))
    assert await store.scan("totals", 0) == rows
    assert await store.fetch("totals", 0, list(rows)) == rows
    await store.commit(a_commit(checkpoint, {"totals": [(key, None) for key in rows]}, 2))
    assert await store.scan("totals", 0) == {}
