"""Reading rows and documents in MongoDB."""

from collections.abc import Sequence

from stores.fields import ABSENT, sort_text
from stores.mongo_layout import BY_KEY, Made, of_partition, portions, row_id
from stores.mongo_schema import heal
from stores.mongo_sessions import Bson, Database
from stores.pages import Found, PageQuery, after_prefix, not_indexed
from stores.port import Encoded, Row


async def fetch(database: Database, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
    """The values of those keys that exist."""
    rows: dict[str, Encoded] = {}
    for part in portions(keys):
        asked = {"_id": {"$in": [row_id(partition, key) for key in part]}}
        rows.update({row["k"]: row["v"].encode() async for row in database[table].find(asked)})
    return rows


async def scan(database: Database, table: str, partition: int) -> dict[str, Encoded]:
    """All rows of a partition."""
    found = database[table].find(of_partition(partition), {"k": 1, "v": 1})
    return {row["k"]: row["v"].encode() async for row in found}


async def get(database: Database, table: str, keys: Sequence[str]) -> list[Row]:
    """The rows of those keys in every partition, by key and partition."""
    rows: list[Row] = []
    for part in portions(sorted({*keys})):
        found = database[table].find({"k": {"$in": list(part)}})
        rows += [Row(row["p"], row["k"], row["v"].encode()) async for row in found]
    return sorted(rows, key=lambda row: (row.key, row.partition))


async def query(database: Database, made: Made, query: PageQuery) -> list[Found]:
    """Up to one row more than the page's limit. Raises StoreError for fields without index."""
    if not {*dict(query.equals), *([query.order_by] if query.order_by else [])} <= {*made.index}:
        raise not_indexed(query)
    await heal(database, made)
    down = -1 if query.descending else 1
    order = [*([(f"by.{query.order_by}", down)] if query.order_by else []), *((name, down) for name, _ in BY_KEY)]
    found = database[made.name].find({"$and": _conditions(query)}).sort(order).limit(query.limit + 1)
    return [Found(row["p"], row["k"], row["v"].encode(), _order(query, row)) async for row in found]


def _order(query: PageQuery, row: Bson) -> str:
    text: str = row["by"][query.order_by] if query.order_by else ABSENT
    return text


def _conditions(query: PageQuery) -> list[Bson]:
    found: list[Bson] = [{f"by.{field}": sort_text(text)} for field, text in query.equals]
    found.append({"k": {"$gte": query.prefix}})
    following = after_prefix(query.prefix)
    if query.prefix and following is not None:
        found.append({"k": {"$lt": following}})
    return [*found, *_beyond(query)]


def _beyond(query: PageQuery) -> list[Bson]:
    if query.after is None:
        return []
    further = "$lt" if query.descending else "$gt"
    key, partition = query.after.key, query.after.partition
    same_text: Bson = {} if query.order_by is None else {f"by.{query.order_by}": query.after.order}
    ways: list[Bson] = [
        {**same_text, "k": {further: key}},
        {**same_text, "k": key, "p": {further: partition}},
    ]
    if query.order_by is not None:
        ways.append({f"by.{query.order_by}": {further: query.after.order}})
    return [{"$or": ways}]
