"""A store in this process's memory, for tests, simulations and trials. What it holds ends with the process."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stores.births import random_birth
from stores.documents import judge
from stores.errors import Fenced, SchemaMissing, StoreError
from stores.fields import ABSENT, field_text, sort_text
from stores.leases import Leases
from stores.memory_slot import MemorySlot
from stores.names import check_keys, check_specs
from stores.pages import Found, PageQuery, Place, not_indexed, page_query
from stores.port import (
    Capabilities,
    Change,
    Checkpoint,
    Commit,
    Document,
    DueTime,
    Durability,
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
    TableSpec,
)

CAPABILITIES = Capabilities(name="memory", commits=True, durability=Durability.NONE, exclusive=True)


@dataclass(slots=True)
class _Table:
    spec: TableSpec
    partitions: dict[int, dict[str, Encoded]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    """Of documents, which are in partition 0."""

    def rows(self, prefix: str = "") -> Iterator[Row]:
        for partition, rows in self.partitions.items():
            for key, value in rows.items():
                if key.startswith(prefix):
                    yield Row(partition, key, value)


class MemoryStore:
    """Keeps what `Store` promises, except beyond the process. Opened again, it holds what it held before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, births: Callable[[], str] = random_birth) -> None:
        """`clock` gives seconds, for heartbeats alone; `births` names the lanes of new slots."""
        self._births = births
        self._leases = Leases(clock)
        self._applied = False
        self._tables: dict[str, _Table] = {}
        self._slots: dict[Slot, MemorySlot] = {}

    @classmethod
    def from_url(cls, url: str, service: str, lease: float) -> "MemoryStore":
        """A new store at each call: it is known by its object, not by its URL."""
        return cls()

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        self._leases.clear()

    # --- schema ---

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        check_specs(tables)
        engine = [] if self._applied else [Change("create", "warren_checkpoints", "create checkpoints and ids")]
        return [*engine, *(change for spec in tables for change in self._changes(spec))]

    def _changes(self, spec: TableSpec) -> Iterator[Change]:
        made = self._tables.get(spec.name)
        if made is None:
            yield Change("create", spec.name, f"create {spec}")
            return
        if made.spec.kind != spec.kind:
            raise StoreError(f"{spec.name!r} is there as {made.spec.kind}: give the new one another name")
        for name in sorted({*spec.index} - {*made.spec.index}):
            yield Change("index", f"{spec.name}.{name}", f"index {name!r} of {spec.name}")
        for name in sorted({*made.spec.index} - {*spec.index}):
            yield Change("drop-index", f"{spec.name}.{name}", f"drop index {name!r} of {spec.name}")

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        changes = await self.plan(tables)
        self._applied = True
        for spec in tables:
            self._tables.setdefault(spec.name, _Table(spec)).spec = spec
        return changes

    # --- ownership ---

    async def heartbeat(self, worker: str, ttl: float) -> None:
        self._leases.heartbeat(worker, ttl)

    async def roster(self) -> Roster:
        self._check_applied()
        return self._leases.roster({slot: kept.checkpoint.epoch for slot, kept in self._slots.items()})

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        self._check_applied()
        if not self._leases.take(slot, worker, ttl, seize=seize):
            return None
        made = MemorySlot(Checkpoint(slot, Epoch(0), self._births()))
        checkpoint = self._slots.setdefault(slot, made).checkpoint
        checkpoint.epoch = Epoch(checkpoint.epoch + 1)
        return replace(checkpoint)

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        if slot in self._slots and self._slots[slot].checkpoint.epoch == epoch:
            self._leases.release(slot)

    # --- a log agent's state ---

    async def commit(self, commit: Commit) -> None:
        self._check(commit)
        self._write(commit)

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            self._check(commit)
        for commit in commits:
            self._write(commit)

    def _check(self, commit: Commit) -> None:
        """Raises what keeps a commit from being written."""
        for changes in commit.rows.values():
            check_keys([key for key, _ in changes])
        check_keys(commit.due.keys())
        self._owned(commit.slot, commit.epoch)
        for name in commit.rows:
            self._table(name, "table")

    def _write(self, commit: Commit) -> None:
        for name, rows in commit.rows.items():
            _write_rows(self._table(name, "table").partitions.setdefault(commit.slot.partition, {}), rows)
        self._slots[commit.slot].commit(commit)

    def _owned(self, slot: Slot, epoch: Epoch) -> MemorySlot:
        self._check_applied()
        kept = self._slots.get(slot)
        if kept is None or kept.checkpoint.epoch != epoch:
            raise Fenced()
        return kept

    async def ids(self, slot: Slot) -> list[IdRow]:
        self._check_applied()
        return [row for _, row in sorted(self._slots[slot].ids.items())] if slot in self._slots else []

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        self._check_applied()
        waiting = self._slots[slot].due.values() if slot in self._slots else ()
        return sorted((due for due in waiting if due.at <= until), key=lambda due: (due.at, due.key))[:limit]

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        self._check_applied()
        check_keys(keys)
        waiting = self._slots[slot].due if slot in self._slots else {}
        return {key: waiting[key].cause for key in keys if key in waiting}

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        self._check_applied()
        known = self._slots[slot].dead if slot in self._slots else set()
        return set(known) if offsets is None else known & set(offsets)

    async def standings(self) -> list[Standing]:
        self._check_applied()
        return [kept.standing() for _, kept in sorted(self._slots.items())]

    async def reset(self, reset: Reset) -> None:
        kept = self._owned(reset.slot, reset.epoch)
        for table in [self._table(name, "table") for name in reset.tables]:
            table.partitions.pop(reset.slot.partition, None)
        kept.reset(reset)

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        kept = self._owned(slot, epoch)
        pairs = [(self._table(name, "table"), self._table(other, "table")) for name, other in tables.items()]
        if shadow not in self._slots:
            raise StoreError(f"{shadow} has no checkpoint: it has never run")
        kept.take_from(self._slots[shadow])
        del self._slots[shadow]
        self._leases.release(shadow)
        for table, other in pairs:
            table.partitions[slot.partition] = other.partitions.pop(slot.partition, {})

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        check_keys(keys)
        rows = self._table(table).partitions.get(partition, {})
        return {key: rows[key] for key in keys if key in rows}

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        return dict(self._table(table).partitions.get(partition, {}))

    # --- views ---

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        check_keys(keys)
        partitions = self._table(table).partitions
        found = [Row(n, key, rows[key]) for n, rows in partitions.items() for key in {*keys} if key in rows]
        return sorted(found, key=lambda row: (row.key, row.partition))

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
        query = page_query(table, equals, prefix, order_by, descending, limit, cursor)
        found = sorted(self._found(query), key=_place, reverse=descending)
        if query.after is not None:
            found = [row for row in found if _follows(_place(row), query.after, descending)]
        return query.page(found[: limit + 1])

    def _found(self, query: PageQuery) -> Iterator[Found]:
        table = self._table(query.table)
        if not {*dict(query.equals), *([query.order_by] if query.order_by else [])} <= {*table.spec.index}:
            raise not_indexed(query)
        for row in table.rows(query.prefix):
            if all(field_text(row.value, name) == sort_text(text) for name, text in query.equals):
                yield Found(*row, field_text(row.value, query.order_by) if query.order_by else ABSENT)

    # --- documents ---

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        table = self._table(documents, "documents")
        found = await self.fetch(documents, 0, ids)
        return {key: Document(value, table.versions[key]) for key, value in found.items()}

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        table = self._table(documents, "documents")
        check_keys([put.id for put in puts])
        outcomes, written = judge(puts, table.versions)
        for key, document in written.items():
            table.partitions.setdefault(0, {})[key] = document.value
            table.versions[key] = document.version
        return outcomes

    def _check_applied(self) -> None:
        if not self._applied:
            raise SchemaMissing()

    def _table(self, name: str, kind: str | None = None) -> _Table:
        table = self._tables.get(name)
        if table is None or kind not in {None, table.spec.kind}:
            raise SchemaMissing()
        return table


def _write_rows(rows: dict[str, Encoded], changes: Sequence[tuple[str, Encoded | None]]) -> None:
    for key, value in changes:
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value


def _place(row: Found) -> Place:
    return Place(row.order, row.key, row.partition)


def _follows(place: Place, after: Place, descending: bool) -> bool:
    return place < after if descending else place > after
