"""Pages of documents, by indexed fields and by id."""

import json
from collections.abc import Mapping
from typing import TypedDict, Unpack

import pytest

from stores.errors import StoreError
from stores.port import PageOfRows, Put, Row, Store
from tests.stores.samples import put


def letter(user: object = None, status: object = None) -> bytes:
    fields = {"userId": user, "status": status}
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False).encode()


class Asked(TypedDict, total=False):
    """What a query asks for, but for its cursor."""

    equals: Mapping[str, str]
    order_by: str | None
    descending: bool
    limit: int
    prefix: str


async def ids_of(store: Store, **query: Unpack[Asked]) -> list[str]:
    """The ids of all pages."""
    pages = [await _page(store, query, None)]
    while pages[-1].cursor is not None:
        pages.append(await _page(store, query, pages[-1].cursor))
    return [row.key for page in pages for row in page.rows]


async def _page(store: Store, query: Asked, cursor: str | None) -> PageOfRows:
    return await store.query("letters", **query, cursor=cursor)


async def test_a_full_last_page_has_no_cursor(store: Store) -> None:
    await put(store, "letters", {id: letter() for id in "abcd"})
    first = await store.query("letters", limit=2)
    assert first.cursor is not None
    rest = await store.query("letters", limit=2, cursor=first.cursor)
    assert rest == PageOfRows([Row(0, "c", letter()), Row(0, "d", letter())], None)


async def test_documents_are_found_by_the_text_of_a_field(store: Store) -> None:
    values = {
        "text": letter("1"),
        "number": letter(1),
        "float": letter(1.0),
        "word": letter("true"),
        "empty": letter(""),
        "absent": letter(),
        "list": b'["userId"]',
        "escaped": b'{"userId":"\\u00e9\\n\\ud83d\\ude00"}',
        "nul": letter("nul \0"),
    }
    await put(store, "letters", values)
    assert await ids_of(store, equals={"userId": "1"}) == ["number", "text"]
    assert await ids_of(store, equals={"userId": "1.0"}) == ["float"]
    assert await ids_of(store, equals={"userId": "true"}) == ["word"]
    assert await ids_of(store, equals={"userId": ""}) == ["empty"]
    assert await ids_of(store, equals={"userId": "é\n😀"}) == ["escaped"]
    assert await ids_of(store, equals={"userId": "null"}) == []


async def test_several_conditions_hold_together(store: Store) -> None:
    letters = {
        "a1": letter("u", "PAID"),
        "a2": letter("u", "NEW"),
        "b1": letter("u", "PAID"),
        "b2": letter("v", "PAID"),
    }
    await put(store, "letters", letters)
    assert await ids_of(store, equals={"userId": "u", "status": "PAID"}) == ["a1", "b1"]
    assert await ids_of(store, equals={"userId": "u", "status": "PAID"}, prefix="b") == ["b1"]
    assert await ids_of(store, equals={"userId": "u"}, order_by="status", limit=1) == ["a2", "a1", "b1"]
    assert await ids_of(store, equals={"userId": "u"}, order_by="userId", descending=True) == ["b1", "a2", "a1"]


async def test_a_query_sees_a_field_as_it_was_last_written(store: Store) -> None:
    await put(store, "letters", {"a": letter("u", "NEW"), "b": letter("u", "NEW")})
    await store.write("letters", [Put("a", letter("u", "PAID"), 1)])
    assert await ids_of(store, equals={"status": "NEW"}) == ["b"]
    assert await ids_of(store, equals={"status": "PAID"}) == ["a"]
    await store.write("letters", [Put("a", letter("u"), 2)])
    assert await ids_of(store, equals={"status": "PAID"}) == []
    assert await ids_of(store, order_by="status") == ["a", "b"]


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
@pytest.mark.parametrize("query", [{}, {"equals": {"userId": "u"}}, {"order_by": "userId"}])
async def test_a_prefix_is_a_text_and_no_pattern(store: Store, prefix: str, found: list[str], query: Asked) -> None:
    ids = ["", "A", "a", "ab", "a%", "a\uffff", "a\U0010ffff", "a\U0010ffffb", "b"]
    ids += ["\ud7ff", "\ud7ffx", "\ue000", "\U0010ffff"]
    await put(store, "letters", {id: letter("u") for id in ids})
    up: Asked = {**query, "prefix": prefix}
    down: Asked = {**up, "limit": 1, "descending": True}
    assert await ids_of(store, **up) == found
    assert await ids_of(store, **down) == found[::-1]


async def test_documents_without_the_field_come_first_and_then_by_text_and_id(store: Store) -> None:
    users = {"1": "b", "2": None, "3": "", "4": "a", "5": 10, "6": 9, "7": None, "8": "a"}
    await put(store, "letters", {id: letter(user) for id, user in users.items()})
    for limit in (1, 2, 3, 100):
        assert await ids_of(store, order_by="userId", limit=limit) == ["2", "7", "3", "5", "6", "4", "8", "1"]
        down = await ids_of(store, order_by="userId", limit=limit, descending=True)
        assert down == ["1", "8", "4", "6", "5", "3", "7", "2"]


@pytest.mark.parametrize("order_by", [None, "userId"])
async def test_reading_on_is_stable_while_documents_are_added(store: Store, order_by: str | None) -> None:
    there = [f"k{n:02}" for n in range(0, 40, 2)]
    await put(store, "letters", {id: letter(int(id[1:]) % 5) for id in there})
    page = await store.query("letters", order_by=order_by, limit=3)
    seen = [row.key for row in page.rows]
    for added in range(1, 40, 2):
        await put(store, "letters", {f"k{added:02}": letter(added % 5)})
        if page.cursor is not None:
            page = await store.query("letters", order_by=order_by, limit=3, cursor=page.cursor)
            seen += [row.key for row in page.rows]
    assert page.cursor is None
    assert [id for id in sorted(seen) if id in there] == there
    assert len(seen) == len({*seen})


async def test_long_fields_count_by_their_first_256_characters(store: Store) -> None:
    shared = "é" * 256
    await put(store, "letters", {"a": letter(f"{shared}2"), "b": letter(f"{shared}1"), "c": letter("é" * 255)})
    assert await ids_of(store, equals={"userId": f"{shared}9"}) == ["a", "b"]
    assert await ids_of(store, order_by="userId") == ["c", "a", "b"]


async def test_many_documents_come_once_each_however_they_are_asked_for(store: Store) -> None:
    letters = {f"{n * 7919 % 2500:04}": letter(f"u{n % 7}", f"s{n % 3}") for n in range(2500)}
    await put(store, "letters", letters)
    wanted = sorted(id for id, value in letters.items() if b'"u3"' in value)
    assert await ids_of(store, limit=1200) == sorted(letters)
    assert await ids_of(store, equals={"userId": "u3"}, limit=17) == wanted
    assert sorted(await ids_of(store, equals={"userId": "u3"}, order_by="status", limit=17)) == wanted


async def test_a_field_without_an_index_is_refused_by_name(store: Store) -> None:
    with pytest.raises(StoreError, match=r"'payments' has no index for 'userId'.*warren stores apply"):
        await store.query("payments", equals={"userId": "1"})
    with pytest.raises(StoreError, match="'letters' has no index for 'total'"):
        await store.query("letters", order_by="total")


async def test_a_cursor_of_another_query_is_refused(store: Store) -> None:
    await put(store, "letters", {id: letter("u", "NEW") for id in "abc"})
    cursor = (await store.query("letters", equals={"userId": "u"}, limit=1)).cursor
    others: list[Asked] = [{}, {"equals": {"userId": "v"}}, {"equals": {"userId": "u"}, "descending": True}]
    for other in others:
        with pytest.raises(StoreError, match="leave it out"):
            await _page(store, other, cursor)
