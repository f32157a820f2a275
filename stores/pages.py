"""Pages of rows, read on from where the last one ended.

A cursor names the last row of its page by what the page is sorted by, so rows that come or go before it move nothing.
A row whose sorting text changes between two pages may be seen twice, or not at all.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from stores.errors import StoreError
from stores.names import check_text, checked_field, checked_name
from stores.port import Encoded, PageOfRows, Row

_LAST_CHARACTER = chr(0x10FFFF)


class Place(NamedTuple):
    """Where a row stands in the order of a page."""

    order: str
    """The text of the field that is sorted by (`fields.py`); empty where the key alone sorts."""
    key: str
    partition: int


class Found(NamedTuple):
    """A row that a store has found, with the text that it sorts by."""

    partition: int
    key: str
    value: Encoded
    order: str


class _Cursor(NamedTuple):
    query: str
    place: Place


_decode = msgspec.json.Decoder(_Cursor).decode


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What `Store.query` asks for, checked."""

    table: str
    equals: tuple[tuple[str, str], ...]
    prefix: str
    order_by: str | None
    descending: bool
    limit: int
    after: Place | None

    def page(self, found: Sequence[Found]) -> PageOfRows:
        """A page of what a store has found, which is up to one row more than `limit`."""
        rows = [Row(row.partition, row.key, row.value) for row in found[: self.limit]]
        return PageOfRows(rows, self._cursor(found[self.limit - 1]) if len(found) > self.limit else None)

    def _cursor(self, last: Found) -> str:
        cursor = _Cursor(fingerprint(self), Place(last.order, last.key, last.partition))
        return urlsafe_b64encode(msgspec.json.encode(cursor)).decode()


def page_query(
    table: str,
    equals: Mapping[str, str] | None,
    prefix: str,
    order_by: str | None,
    descending: bool,
    limit: int,
    cursor: str | None,
) -> PageQuery:
    """The query that `Store.query` was called with. Raises StoreError where it cannot be asked."""
    if limit < 1:
        raise StoreError(f"a page of {limit} rows cannot be read: ask for one or more")
    wanted = tuple((checked_field(field), check_text(text)) for field, text in sorted((equals or {}).items()))
    order = None if order_by is None else checked_field(order_by)
    first = PageQuery(checked_name(table), wanted, check_text(prefix), order, descending, limit, None)
    if cursor is None:
        return first
    after = _place(first, cursor)
    return PageQuery(first.table, wanted, first.prefix, order, descending, limit, after)


def fingerprint(query: PageQuery) -> str:
    """Tells a query from others, whatever page of it is read."""
    asked = (query.table, query.equals, query.prefix, query.order_by, query.descending)
    return blake2b(msgspec.json.encode(asked), digest_size=6).hexdigest()


def _place(query: PageQuery, cursor: str) -> Place:
    try:
        found = _decode(urlsafe_b64decode(cursor.encode()))
        if found.query == fingerprint(query):
            return Place(check_text(found.place.order), check_text(found.place.key), found.place.partition)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise StoreError("the cursor is not one of this query's: leave it out to begin again") from error
    raise StoreError("the cursor is not one of this query's: leave it out to begin again")


def not_indexed(query: PageQuery) -> StoreError:
    """What to raise where a database lacks the column of a field that a query names."""
    fields = dict.fromkeys([*dict(query.equals), *([query.order_by] if query.order_by else [])])
    return StoreError(
        f"{query.table!r} has no index for {' or '.join(map(repr, fields))}: name the field in its `index`, "
        "and run `warren stores apply`"
    )


def after_prefix(prefix: str) -> str | None:
    """The first text, by code point, after all that begin with a prefix; None where there is none."""
    kept = prefix.rstrip(_LAST_CHARACTER)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
