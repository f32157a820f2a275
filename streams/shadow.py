"""A shadow of some slots in a store: the same promises, kept beside the slots and tables themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stores.port import (
    Capabilities,
    Change,
    Checkpoint,
    Commit,
    Document,
    DueTime,
    Encoded,
    Epoch,
    IdRow,
    PageOfRows,
    Put,
    Reset,
    Roster,
    Row,
    Slot,
    Standing,
    Store,
    TableSpec,
)

SUFFIX = ".rebuild"


def shadow_of(name: str) -> str:
    """What the shadow of an agent or a table is called."""
    return f"{name}{SUFFIX}"


class Shadow:
    """A Store over another one. What concerns slots and their tables goes to their shadows; the rest is the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def capabilities(self) -> Capabilities:
        return self._store.capabilities

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        return await self._store.plan([_spec(spec) for spec in tables])

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        return await self._store.apply([_spec(spec) for spec in tables])

    async def heartbeat(self, worker: str, ttl: float) -> None:
        await self._store.heartbeat(worker, ttl)

    async def roster(self) -> Roster:
        return await self._store.roster()

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        checkpoint = await self._store.acquire(_slot(slot), worker, ttl, seize=seize)
        return None if checkpoint is None else replace(checkpoint, slot=slot)

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        await self._store.release(_slot(slot), epoch)

    async def commit(self, commit: Commit) -> None:
        await self._store.commit(_commit(commit))

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        await self._store.commit_together([_commit(commit) for commit in commits])

    async def ids(self, slot: Slot) -> list[IdRow]:
        return await self._store.ids(_slot(slot))

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        return await self._store.due(_slot(slot), until, limit)

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        return await self._store.causes(_slot(slot), keys)

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        return await self._store.dead(_slot(slot), offsets)

    async def standings(self) -> list[Standing]:
        return await self._store.standings()

    async def reset(self, reset: Reset) -> None:
        await self._store.reset(
            replace(reset, slot=_slot(reset.slot), tables=[shadow_of(table) for table in reset.tables])
        )

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        await self._store.swap(slot, epoch, shadow, tables)

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        return await self._store.fetch(shadow_of(table), partition, keys)

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        return await self._store.scan(shadow_of(table), partition)

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        return await self._store.get(shadow_of(table), keys)

    async def query(
        self,
        table: str,
        *,
        equals: Mapping[str, str] | None = None,
        prefix: str = "",
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> PageOfRows:
        return await self._store.query(
            shadow_of(table),
            equals=equals,
            prefix=prefix,
            order_by=order_by,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        return await self._store.read(documents, ids)

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        return await self._store.write(documents, puts)


def _commit(commit: Commit) -> Commit:
    rows = {shadow_of(table): rows for table, rows in commit.rows.items()}
    return replace(commit, slot=_slot(commit.slot), rows=rows)


def _slot(slot: Slot) -> Slot:
    return Slot(shadow_of(slot.agent), slot.partition)


def _spec(spec: TableSpec) -> TableSpec:
    return replace(spec, name=shadow_of(spec.name)) if spec.kind == "table" else spec
