"""Pages of rows, by indexed fields and by key."""

import json
from itertools import pairwise

import pytest

from stores.errors import StoreError
from stores.port import PageOfRows, Put, Row, Slot, Store
from tests.stores.samples import keep


def order(user: object = None, status: object = None) -> bytes:
    fields = {"userId": user, "status": status}
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False).encode()


async def keys_of(store: Store, table: str = "orders", **query: object) -> list[str]:
    """The keys of all pages."""
    keys: list[str] = []
    cursor: str | None = None
    while True:
        page = await _page(store, table, query, cursor)
        keys += [row.key for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return keys


async def _page(store: Store, table: str, query: dict[str, object], cursor: str | None) -> PageOfRows:
    return await store.query(table, **query, cursor=cursor)  # type: ignore[arg-type]  # checked where it is called


async def test_without_conditions_all_rows_come_by_key_and_partition(store: Store) -> None:
    await keep(store, {"orders": [("b", order()), ("a", order())]}, Slot("orders", 1))
    await keep(store, {"orders": [("b", order()), ("c", order())]}, Slot("orders", 0))
    page = await store.query("orders")
    assert [(row.key, row.partition) for row in page.rows] == [("a", 1), ("b", 0), ("b", 1), ("c", 0)]
    assert page.cursor is None


async def test_pages_follow_one_another_through_rows_of_one_key(store: Store) -> None:
    for partition in range(5):
        await keep(store, {"orders": [("a", order("u")), ("b", order("u"))]}, Slot("orders", partition))
    assert await keys_of(store, limit=3) == ["a"] * 5 + ["b"] * 5
    assert await keys_of(store, limit=3, order_by="userId", descending=True) == ["b"] * 5 + ["a"] * 5


async def test_a_full_last_page_has_no_cursor(store: Store) -> None:
    await keep(store, {"orders": [(key, order()) for key in "abcd"]})
    first = await store.query("orders", limit=2)
    assert first.cursor is not None
    assert await store.query("orders", limit=2, cursor=first.cursor) == PageOfRows(
        [Row(0, "c", order()), Row(0, "d", order())], None
    )


async def test_the_page_size_may_change_from_page_to_page(store: Store) -> None:
    await keep(store, {"orders": [(key, order()) for key in "abcdef"]})
    first = await store.query("orders", limit=1)
    second = await store.query("orders", limit=4, cursor=first.cursor)
    assert [row.key for row in second.rows] == list("bcde")


async def test_rows_are_found_by_the_text_of_a_field(store: Store) -> None:
    values = {
        "text": order("1"),
        "number": order(1),
        "float": order(1.0),
        "true": order(True),
        "word": order("true"),
        "empty": order(""),
        "absent": order(),
        "null": b'{"userId":null}',
        "list": b'["userId"]',
        "scalar": b'"userId"',
        "escaped": b'{"userId":"\\u00e9\\n\\ud83d\\ude00"}',
    }
    await keep(store, {"orders": list(values.items())})
    assert await keys_of(store, equals={"userId": "1"}) == ["number", "text"]
    assert await keys_of(store, equals={"userId": "1.0"}) == ["float"]
    assert await keys_of(store, equals={"userId": "true"}) == ["true", "word"]
    assert await keys_of(store, equals={"userId": ""}) == ["empty"]
    assert await keys_of(store, equals={"userId": "é\n😀"}) == ["escaped"]
    assert await keys_of(store, equals={"userId": "null"}) == []


async def test_several_conditions_hold_together(store: Store) -> None:
    rows = [
        ("a1", order("u", "PAID")),
        ("a2", order("u", "NEW")),
        ("b1", order("u", "PAID")),
        ("b2", order("v", "PAID")),
    ]
    await keep(store, {"orders": rows})
    assert await keys_of(store, equals={"userId": "u", "status": "PAID"}) == ["a1", "b1"]
    assert await keys_of(store, equals={"status": "PAID", "userId": "u"}, prefix="b") == ["b1"]


async def test_a_query_sees_a_field_as_it_was_last_written(store: Store) -> None:
    await keep(store, {"orders": [("a", order("u", "NEW"))]})
    await keep(store, {"orders": [("a", order("u", "PAID"))]})
    assert await keys_of(store, equals={"status": "NEW"}) == []
    assert await keys_of(store, equals={"status": "PAID"}) == ["a"]
    await keep(store, {"orders": [("a", None)]})
    assert await keys_of(store, equals={"status": "PAID"}) == []


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a", ["a", "a%", "ab", "a\uffff", "a\U0010ffff", "a\U0010ffffb"]),
        ("a%", ["a%"]),
        ("a\U0010ffff", ["a\U0010ffff", "a\U0010ffffb"]),
        ("\ud7ff", ["\ud7ff", "\ud7ffx"]),
        ("\U0010ffff", ["\U0010ffff"]),
        ("zz", []),
    ],
)
async def test_a_prefix_is_a_text_and_no_pattern(store: Store, prefix: str, found: list[str]) -> None:
    keys = ["", "A", "a", "ab", "a%", "a\uffff", "a\U0010ffff", "a\U0010ffffb", "b"]
    keys += ["\ud7ff", "\ud7ffx", "\ue000", "\U0010ffff"]
    await keep(store, {"totals": [(key, b"1") for key in keys]})
    assert await keys_of(store, "totals", prefix=prefix) == found
    assert await keys_of(store, "totals", prefix=prefix, limit=1, descending=True) == found[::-1]


async def test_rows_without_the_field_come_first_and_then_by_text_key_and_partition(store: Store) -> None:
    rows = {"1": order("b"), "2": order(), "3": order(""), "4": order("a"), "5": order(10), "6": order(9), "7": order()}
    await keep(store, {"orders": list(rows.items())}, Slot("orders", 0))
    await keep(store, {"orders": [("4", order("a"))]}, Slot("orders", 1))
    sorted_keys = ["2", "7", "3", "5", "6", "4", "4", "1"]
    for limit in (1, 2, 3, 100):
        assert await keys_of(store, order_by="userId", limit=limit) == sorted_keys
        assert await keys_of(store, order_by="userId", limit=limit, descending=True) == sorted_keys[::-1]


@pytest.mark.parametrize("order_by", [None, "userId"])
async def test_reading_on_is_stable_while_rows_are_added(store: Store, order_by: str | None) -> None:
    there = [f"k{n:02}" for n in range(0, 40, 2)]
    await keep(store, {"orders": [(key, order(int(key[1:]) % 5)) for key in there]})
    page = await store.query("orders", order_by=order_by, limit=3)
    seen = [row.key for row in page.rows]
    for added in range(1, 40, 2):
        await keep(store, {"orders": [(f"k{added:02}", order(added % 5))]})
        if page.cursor is not None:
            page = await store.query("orders", order_by=order_by, limit=3, cursor=page.cursor)
            seen += [row.key for row in page.rows]
    assert page.cursor is None
    assert [key for key in sorted(seen) if key in there] == there
    assert len(seen) == len({*seen})


async def test_long_fields_count_by_their_first_256_characters(store: Store) -> None:
    shared = "é" * 256
    rows = [("a", order(f"{shared}2")), ("b", order(f"{shared}1")), ("c", order("é" * 255))]
    await keep(store, {"orders": rows})
    assert await keys_of(store, equals={"userId": f"{shared}9"}) == ["a", "b"]
    assert await keys_of(store, order_by="userId") == ["c", "a", "b"]


async def test_a_field_of_any_length_under_the_longest_key_can_be_written(store: Store) -> None:
    value = order("😀" * 100_000, "x" * 100_000)
    await keep(store, {"orders": [("日" * 341, value)]})
    assert await keys_of(store, equals={"userId": "😀" * 256}) == ["日" * 341]


async def test_a_value_with_a_nul_character_can_be_written_and_has_no_fields(store: Store) -> None:
    await keep(store, {"orders": [("a", order("u", "nul \0")), ("b", order("u", "PAID"))]})
    assert await keys_of(store, equals={"userId": "u"}) == ["b"]
    assert await keys_of(store, order_by="userId") == ["a", "b"]
    assert await keys_of(store) == ["a", "b"]


async def test_documents_are_found_like_rows(store: Store) -> None:
    await store.write("payments", [Put("p2", order(None, "NEW"), 0), Put("p1", order(None, "DONE"), 0)])
    assert await keys_of(store, "payments", equals={"status": "NEW"}) == ["p2"]
    assert (await store.query("payments", order_by="status")).rows == [
        Row(0, "p1", order(None, "DONE")),
        Row(0, "p2", order(None, "NEW")),
    ]
    assert await store.get("payments", ["p1"]) == [Row(0, "p1", order(None, "DONE"))]


async def test_a_field_without_an_index_is_refused_by_name(store: Store) -> None:
    with pytest.raises(StoreError, match=r"'orders' has no index for 'total'.*warren stores apply"):
        await store.query("orders", equals={"total": "1"})
    with pytest.raises(StoreError, match="'totals' has no index for 'userId'"):
        await store.query("totals", order_by="userId")
    with pytest.raises(StoreError, match="cannot be indexed"):
        await store.query("orders", order_by='x" OR 1=1 --')


async def test_a_cursor_of_another_query_is_refused(store: Store) -> None:
    await keep(store, {"orders": [(key, order("u", "NEW")) for key in "abc"], "totals": [("a", b"1")]})
    cursor = (await store.query("orders", equals={"userId": "u"}, limit=1)).cursor
    assert cursor is not None
    others: list[dict[str, object]] = [
        {},
        {"equals": {"userId": "v"}},
        {"equals": {"userId": "u"}, "prefix": "a"},
        {"equals": {"userId": "u"}, "order_by": "status"},
        {"equals": {"userId": "u"}, "descending": True},
    ]
    for other in others:
        with pytest.raises(StoreError, match="leave it out"):
            await _page(store, "orders", other, cursor)
    with pytest.raises(StoreError, match="leave it out"):
        await store.query("totals", cursor=cursor)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "\ud800", "WzEsMl0=", "eyJhIjoxfQ=="])
async def test_what_is_no_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(StoreError, match="leave it out"):
        await store.query("orders", cursor=cursor)


async def test_a_page_has_at_least_one_row(store: Store) -> None:
    with pytest.raises(StoreError, match="one or more"):
        await store.query("orders", limit=0)


async def test_texts_that_no_row_can_hold_are_refused(store: Store) -> None:
    for text in ("nul\0", "half \ud83d"):
        with pytest.raises(StoreError, match="remove it"):
            await store.query("orders", equals={"userId": text})
        with pytest.raises(StoreError, match="remove it"):
            await store.query("orders", prefix=text)


async def test_many_pages_give_every_row_once(store: Store) -> None:
    rows = {f"{n * 7919 % 1000:04}": order(f"u{n % 7}", f"s{n % 3}") for n in range(1000)}
    await keep(store, {"orders": list(rows.items())})
    keys = await keys_of(store, equals={"userId": "u3"}, order_by="status", limit=17)
    assert sorted(keys) == sorted(key for key, value in rows.items() if b'"u3"' in value)
    texts = [json.loads(rows[key])["status"] for key in keys]
    assert all((a, k) < (b, m) for (a, k), (b, m) in pairwise(zip(texts, keys, strict=True)))
