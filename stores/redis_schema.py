"""Collections of documents in Redis: what is missing, and making it while others write."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from stores.documents_only import refuse_tables
from stores.names import check_specs
from stores.port import Change, TableSpec
from stores.redis_connections import run
from stores.redis_layout import Layout, Shape, decoded, document, encoded, entries, new_shape

_LOCK_SECONDS = 30.0
"""Longer than an index takes for a thousand documents; after that a lock of a dead process is free."""
_INDEXED_AT_ONCE = 1000

_INDEX = """
local added = cmsgpack.unpack(ARGV[1])
for _, step in ipairs(added) do
    local found = redis.call('HGET', KEYS[1], step[1])
    if found and tonumber(string.match(found, '^%d+')) == step[2] then redis.call('ZADD', KEYS[2], 0, step[3]) end
end
return 1
"""
"""A document that has changed meanwhile was indexed by whoever wrote it."""


async def shapes(client: Redis, layout: Layout) -> dict[str, Shape]:
    """The collections that there are."""
    found = cast(Mapping[bytes, bytes], await cast(Awaitable[object], client.hgetall(layout.shapes)))
    return {name.decode(): decoded(shape) for name, shape in found.items()}


def plan(layout: Layout, made: Mapping[str, Shape], specs: Sequence[TableSpec]) -> list[Change]:
    """What is missing. Raises StoreRefused for tables, and StoreError for specs that contradict each other."""
    check_specs(specs)
    refuse_tables(specs)
    return [change for spec in specs for change in _changes(layout, made.get(spec.name), spec)]


def _changes(layout: Layout, made: Shape | None, spec: TableSpec) -> list[Change]:
    name = spec.name
    if made is None:
        shape = encoded(Shape(spec.index)).decode()
        return [Change("create", name, f"HSET {layout.shapes} {name} '{shape}'")]
    added, dropped = sorted({*spec.index} - {*made.index}), sorted({*made.fields} - {*spec.index})
    return [
        *(Change("index", f"{name}.{f}", f"ZADD {layout.by(name, f)} 0 … (every document)") for f in added),
        *(Change("drop-index", f"{name}.{f}", f"UNLINK {layout.by(name, f)}") for f in dropped),
    ]


async def apply(client: Redis, layout: Layout, specs: Sequence[TableSpec]) -> list[Change]:
    """Make what is missing, one process at a time. Whatever breaks off, the next `apply` brings to its end."""
    async with client.lock(layout.lock, timeout=_LOCK_SECONDS, sleep=0.05, thread_local=False) as lock:
        made = await shapes(client, layout)
        changes = plan(layout, made, specs)
        for spec in specs:
            if spec.name not in made:
                await client.hset(layout.shapes, spec.name, encoded(Shape(spec.index)))
            elif {*made[spec.name].fields} != {*spec.index} or made[spec.name].building:
                await _index(client, layout, spec, made[spec.name], lock)
        return changes


async def _index(client: Redis, layout: Layout, spec: TableSpec, made: Shape, lock: Lock) -> None:
    shape = new_shape(spec, made)
    outdated = [field for field in {*made.fields, *shape.building} if field not in shape.index]
    pipeline = client.pipeline(transaction=True)
    pipeline.execute_command("HSET", layout.shapes, spec.name, encoded(shape))
    for field in outdated:
        pipeline.execute_command("UNLINK", layout.by(spec.name, field))
    await pipeline.execute()
    for field in shape.building:
        await _fill(client, layout, spec.name, field, lock)
    await client.hset(layout.shapes, spec.name, encoded(Shape(spec.index)))


async def _fill(client: Redis, layout: Layout, name: str, field: str, lock: Lock) -> None:
    found: list[tuple[str, int, str]] = []
    async for key, record in client.hscan_iter(layout.documents(name), count=_INDEXED_AT_ONCE):
        id, kept = key.decode(), document(record)
        found.append((id, kept.version, *entries(kept.value, id, (field,))))
        if len(found) >= _INDEXED_AT_ONCE:
            await _add(client, layout, name, field, found)
            await lock.reacquire()
            found = []
    await _add(client, layout, name, field, found)


async def _add(client: Redis, layout: Layout, name: str, field: str, found: list[tuple[str, int, str]]) -> None:
    await run(client, _INDEX, [layout.documents(name), layout.by(name, field)], [msgspec.msgpack.encode(found)])
