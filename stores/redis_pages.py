"""Pages of documents, walked along one sorted index."""

from collections.abc import Iterator
from dataclasses import dataclass

from redis.asyncio import Redis

from stores.errors import StoreError
from stores.fields import ABSENT, field_text, sort_text
from stores.pages import Found, PageQuery, after_prefix, not_indexed
from stores.redis_connections import run
from stores.redis_layout import SEPARATOR, Layout, Shape, document, encoded, entry

_MOST_AT_ONCE = 1000

_PART = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return -1 end
local found = {}
for _, entry in ipairs(redis.call(ARGV[3], KEYS[3], ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[6])) do
    local at = string.find(entry, '\\0', 1, true)
    found[#found + 1] = entry
    found[#found + 1] = redis.call('HGET', KEYS[2], at and string.sub(entry, at + 1) or entry)
end
return found
"""


class Reshaped(StoreError):
    """The collection has got other indexes meanwhile: ask again."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The index to go along, and the part of it that may hold what is asked for."""

    field: str | None
    """None for the ids."""
    low: str
    high: str

    @classmethod
    def of(cls, query: PageQuery) -> "Walk":
        """By the field that is sorted by, else by one that is compared, else by the ids."""
        equals = dict(query.equals)
        field = query.order_by or next(iter(equals), None)
        if field is None:
            following = after_prefix(query.prefix)
            return cls(None, f"[{query.prefix}", "+" if following is None else f"({following}")
        if field not in equals:
            return cls(field, "-", "+")
        text = sort_text(equals[field])
        following = after_prefix(query.prefix)
        high = f"{text}\1" if following is None else entry(text, following)
        return cls(field, f"[{entry(text, query.prefix)}", f"({high}")

    def entry_of(self, query: PageQuery, order: str, key: str) -> str:
        """Where a row stands on the way."""
        if self.field is None:
            return key
        return entry(order if query.order_by else sort_text(dict(query.equals)[self.field]), key)

    def beyond(self, last: str, descending: bool) -> "Walk":
        """What is left of the way after an entry."""
        return Walk(self.field, *((self.low, f"({last}") if descending else (f"({last}", self.high)))


async def rows(client: Redis, layout: Layout, query: PageQuery, shape: Shape) -> list[Found]:
    """Up to one row more than the page's limit. Raises StoreError for fields without index, and Reshaped.

    Each part is read at one moment. A query that sorts by one field and compares others reads all that comes before.
    """
    if not {*dict(query.equals), *([query.order_by] if query.order_by else [])} <= {*shape.index}:
        raise not_indexed(query)
    walk = Walk.of(query)
    if query.after is not None:
        walk = walk.beyond(walk.entry_of(query, query.after.order, query.after.key), query.descending)
    found: list[Found] = []
    count = min(query.limit + 1, _MOST_AT_ONCE)
    while len(found) <= query.limit:
        part = await _part(client, layout, query, shape, walk, count)
        found += _fitting(query, walk, part)
        if len(part) < count:
            break
        walk = walk.beyond(part[-1][0], query.descending)
        count = _MOST_AT_ONCE
    return found


async def _part(
    client: Redis, layout: Layout, query: PageQuery, shape: Shape, walk: Walk, count: int
) -> list[tuple[str, bytes]]:
    index = layout.keys(query.table) if walk.field is None else layout.by(query.table, walk.field)
    way = ("ZREVRANGEBYLEX", walk.high, walk.low) if query.descending else ("ZRANGEBYLEX", walk.low, walk.high)
    keys = [layout.shapes, layout.documents(query.table), index]
    answer = await run(client, _PART, keys, [query.table, encoded(shape), *way, count])
    if isinstance(answer, int):
        raise Reshaped()
    texts = [part for part in answer if isinstance(part, bytes)]
    return [(place.decode(), record) for place, record in zip(texts[::2], texts[1::2], strict=True)]


def _fitting(query: PageQuery, walk: Walk, part: list[tuple[str, bytes]]) -> Iterator[Found]:
    for place, record in part:
        text, _, key = place.rpartition(SEPARATOR)
        value = document(record).value
        if key.startswith(query.prefix) and all(
            field_text(value, field) == sort_text(wanted) for field, wanted in query.equals if field != walk.field
        ):
            yield Found(0, key, value, text if query.order_by else ABSENT)
