"""Compare-and-set of documents in Redis: judged here, and written by a script if nothing has changed meanwhile."""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
from redis.asyncio import Redis

from stores.documents import judge
from stores.errors import SchemaMissing, StoreError
from stores.port import Document, Put
from stores.redis_connections import run
from stores.redis_errors import translated
from stores.redis_layout import Layout, Shape, decoded, document, encoded, entries, record

_WRITE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local puts = cmsgpack.unpack(ARGV[3])
for _, put in ipairs(puts) do
    local found = redis.call('HGET', KEYS[2], put[1])
    local version = found and tonumber(string.match(found, '^%d+')) or 0
    if version ~= put[2] then return 0 end
end
for _, put in ipairs(puts) do
    local id, version, changed = put[1], put[2], put[3]
    if changed then
        redis.call('HSET', KEYS[2], id, changed.record)
        if version == 0 then redis.call('ZADD', KEYS[3], 0, id) end
        for n, entry in ipairs(changed.new) do
            local old = changed.old[n]
            if old and old ~= entry then redis.call('ZREM', KEYS[n + 3], old) end
            redis.call('ZADD', KEYS[n + 3], 0, entry)
        end
    end
end
return 1
"""


class _Changed(msgspec.Struct):
    """What becomes of a document. Of texts alone: Redis's reader of MessagePack knows no bytes."""

    record: str
    old: list[str]
    """Its entries in the indexes up to now; empty where it is new."""
    new: list[str]


class Overtaken(StoreError):
    """Another writer was faster: read and judge again."""


async def shape_of(client: Redis, layout: Layout, name: str) -> Shape:
    """Raises SchemaMissing where the collection was never made."""
    found = cast(bytes | None, await client.hget(layout.shapes, name))
    if found is None:
        raise SchemaMissing()
    return decoded(found)


async def read(client: Redis, layout: Layout, name: str, ids: Sequence[str]) -> tuple[Shape, dict[str, Document]]:
    """A collection's shape and the documents of those ids that exist, at one moment. Raises SchemaMissing."""
    keys = list(dict.fromkeys(ids))
    pipeline = client.pipeline(transaction=True)
    pipeline.execute_command("HGET", layout.shapes, name)
    if keys:
        pipeline.execute_command("HMGET", layout.documents(name), *keys)
    shape, *records = await pipeline.execute()
    if shape is None:
        raise SchemaMissing()
    found = zip(keys, records[0] if keys else [], strict=True)
    return decoded(shape), {key: document(record) for key, record in found if record is not None}


async def write(client: Redis, layout: Layout, name: str, puts: Sequence[Put]) -> list[bool]:
    """Each put's outcome. Raises Overtaken, and CommitUnknown."""
    shape, current = await read(client, layout, name, [put.id for put in puts])
    outcomes, written = judge(puts, {key: found.version for key, found in current.items()})
    steps = [(key, _version(current, key), _changed(shape, key, current, written)) for key in {put.id for put in puts}]
    indexes = [layout.by(name, field) for field in shape.fields]
    keys = [layout.shapes, layout.documents(name), layout.keys(name), *indexes]
    with translated(writing=True):
        if not await run(client, _WRITE, keys, [name, encoded(shape), msgspec.msgpack.encode(steps)]):
            raise Overtaken()
    return outcomes


def _version(current: Mapping[str, Document], key: str) -> int:
    return current[key].version if key in current else 0


def _changed(
    shape: Shape, key: str, current: Mapping[str, Document], written: Mapping[str, Document]
) -> _Changed | None:
    if key not in written:
        return None
    old = entries(current[key].value, key, shape.fields) if key in current else []
    return _Changed(record(written[key]), old, entries(written[key].value, key, shape.fields))
