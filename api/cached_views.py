"""Views that remember what they have read, of tables that are read far more often than they change."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from api.cache import Cache
from api.freshness import Freshness
from api.shared_reads import SharedReads
from stores.port import PageOfRows, Row, Store
from streams import Table, View, Views, WindowedTable
from streams.changes import AGAIN, Changes

V = TypeVar("V")

A_MOMENT: Final = 1.0
KEPT: Final[Mapping[tuple[str, str], float]] = {
    ("inventory", "products"): AGAIN,
    ("inventory", "stock"): A_MOMENT,
    ("analytics", "revenue"): A_MOMENT,
    ("analytics", "funnel"): A_MOMENT,
    ("analytics", "cohorts"): A_MOMENT,
    ("analytics", "product_sales"): A_MOMENT,
    ("analytics", "tally_by_ten_seconds"): A_MOMENT,
    ("analytics", "tally_by_minute"): A_MOMENT,
    ("analytics", "tally_by_hour"): A_MOMENT,
    ("analytics", "tally_by_day"): A_MOMENT,
}
"""(service, table) -> seconds that a row is kept at the longest. `products` is watched: a change ends it at once. The
others change with every order, so that hearing of it would end them always."""


class _Entry(msgspec.Struct, array_like=True, gc=False):
    """Rows, and when it was begun to read them."""

    at: int
    rows: list[tuple[int, str, bytes]]
    cursor: str | None = None


@dataclass(slots=True)
class Use:
    """How often entries of a table were looked for, by where they were found."""

    own: int = 0
    """Kept by this process, or being read by it already."""
    shared: int = 0
    """Kept by another one."""
    read: int = 0
    """Nowhere: read from the store."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Entry).decode


class CachedViews(Views):
    """Views of which some tables are read from a cache; `store` reads past it."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        changes: Changes,
        cache: Cache,
        now: Callable[[], int],
        kept: Mapping[tuple[str, str], float] = KEPT,
    ) -> None:
        """`now` gives ms since 1970 UTC; `kept` as KEPT."""
        super().__init__(stores, changes)
        self._cache = cache
        self._now = now
        self._kept = kept
        self._readers: dict[tuple[str, str], CachedReader] = {}

    def of(self, service: str, table: Table[V] | WindowedTable[V]) -> View[V]:
        """See Views."""
        direct = super().of(service, table)
        place = (service, table.name)
        if place not in self._kept:
            return direct
        reader = self._readers.get(place)
        if reader is None:
            freshness = Freshness(direct, self._kept[place], self._now)
            reader = CachedReader(".".join(place), self.store(service), self._cache, freshness, self._now)
            self._readers[place] = reader
        return direct.reading(reader)

    @property
    def uses(self) -> dict[str, Use]:
        """By table, `inventory.products`, of those that were ever read."""
        return {".".join(place): reader.use for place, reader in self._readers.items()}

    async def close(self) -> None:
        """Watch no more."""
        for reader in self._readers.values():
            await reader.freshness.stop()


class CachedReader:
    """Reads one table through a cache. A Reader; see `streams.views`."""

    def __init__(self, name: str, store: Store, cache: Cache, freshness: Freshness, now: Callable[[], int]) -> None:
        self.freshness = freshness
        self.use = Use()
        self._name = name
        self._store = store
        self._cache = cache
        self._reads: SharedReads[_Entry] = SharedReads(self._still, now)

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        """See Store."""
        self.freshness.start()
        names = {f"{self._name}:row:{key}": key for key in keys}
        found = await self._found(names)
        missing = [name for name in names if name not in found]

        async def read(wanted: list[str], began: int) -> dict[str, _Entry]:
            entries = {names[name]: _Entry(began, []) for name in wanted}
            for row in await self._store.get(table, [*entries]):
                entries[row.key].rows.append(row)
            return await self._put({f"{self._name}:row:{key}": entry for key, entry in entries.items()})

        if missing:
            self._count(missing)
            found.update(await self._reads.of(missing, read))
        rows = (Row(*row) for entry in found.values() for row in entry.rows)
        return sorted(rows, key=lambda row: (row.key, row.partition))

    async def query(self, table: str, **question: Any) -> PageOfRows:
        """See Store."""
        self.freshness.start()
        name = f"{self._name}:page:{msgspec.json.encode(question, order='sorted').decode()}"
        entry = (await self._found({name: None})).get(name)

        async def read(wanted: list[str], began: int) -> dict[str, _Entry]:
            page = await self._store.query(table, **question)
            rows = [(row.partition, row.key, row.value) for row in page.rows]
            return await self._put({name: _Entry(began, rows, page.cursor)})

        if entry is None:
            self._count([name])
            entry = (await self._reads.of([name], read))[name]
        return PageOfRows([Row(*row) for row in entry.rows], entry.cursor)

    async def _found(self, names: Mapping[str, str | None]) -> dict[str, _Entry]:
        """Entries that still count, by their names: this process's own, else those that others share."""
        found = {name: entry for name, key in names.items() if (entry := self._counting(self._cache.own(name), key))}
        self.use.own += len(found)
        shared = await self._cache.others([name for name in names if name not in found])
        for name, encoded in shared.items():
            entry = self._counting(encoded, names[name])
            if entry is not None:
                self.use.shared += 1
                found[name] = entry
                self._cache.keep({name: encoded})
        return found

    def _counting(self, encoded: bytes | None, key: str | None) -> _Entry | None:
        with suppress(msgspec.DecodeError):  # what another version of this program has shared is read anew
            entry = _decode(encoded or b"")
            return entry if self.freshness.counts(entry.at, key) else None
        return None

    def _still(self, name: str, began: int) -> bool:
        kind, _, key = name.removeprefix(f"{self._name}:").partition(":")
        return self.freshness.counts(began, key if kind == "row" else None)

    def _count(self, missing: list[str]) -> None:
        joined = len(self._reads.under_way(missing))
        self.use.own += joined
        self.use.read += len(missing) - joined

    async def _put(self, entries: dict[str, _Entry]) -> dict[str, _Entry]:
        await self._cache.put({name: _encode(entry) for name, entry in entries.items()}, self.freshness.again)
        return entries
