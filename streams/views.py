"""Views: read access to tables and documents from anywhere."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial, reduce
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from stores.port import PageOfRows, Row, Store
from streams.changes import AGAIN, Changes, Watch
from streams.documents import Documents
from streams.errors import DeclarationError
from streams.keys import Key, encode_key, window_key
from streams.table import Table, WindowedTable

V = TypeVar("V")

AWAITING: Final = 0.5
"""Seconds between looks at a row that is awaited, where no change is heard of."""


class Page(NamedTuple, Generic[V]):
    """Rows by key, and where the next page begins (None: this is the last)."""

    items: list[tuple[str, V]]
    cursor: str | None


Watching = Callable[[str | None, float], AbstractContextManager[Watch]]
"""How a table is watched: which row (None: all), and after how many seconds to look again at the latest."""


class Reader(Protocol):
    """What views read from: a store, or what stands before one."""

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        """See Store."""

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
        """See Store."""


class View(Generic[V]):
    """What one table holds, as of its agent's last commit."""

    def __init__(self, store: Reader, table: Table[V], watching: Watching | None = None) -> None:
        """Without `watching` a watch is told to look again at intervals, and nothing else."""
        self._store = store
        self._table = table
        self._watching = watching or _at_intervals

    async def get(self, key: Key) -> V | None:
        """The value of a key, merged over partitions; None where there is none."""
        return (await self.get_many([key])).get(encode_key(key))

    async def get_many(self, keys: list[Key]) -> dict[str, V]:
        """The values of those keys that exist, in one query."""
        rows = await self._store.get(self._table.name, [encode_key(key) for key in keys])
        return self._merged(rows)

    def reading(self, reader: Reader) -> "View[V]":
        """The same view, reading from elsewhere."""
        return View(reader, self._table, self._watching)

    def watch(self, key: Key | None = None, *, again: float = AGAIN) -> AbstractContextManager[Watch]:
        """Be told of changed rows: of one, or of all. First watch, then look, then wait for `Watch.changed`:

            with view.watch(key) as watch:
                while True:
                    show(await view.get(key))
                    await watch.changed()

        Of a table that is not declared `watched=True` nothing is heard: there is only the interval.
        """
        return self._watching(None if key is None else encode_key(key), again)

    async def awaited(self, key: Key, ready: Callable[[V | None], bool], *, within: float) -> V | None:
        """The value of a key, as soon as it is `ready`; else as it is after `within` seconds."""
        deadline = asyncio.get_running_loop().time() + within
        with self.watch(key, again=AWAITING) as watch:
            while True:
                value = await self.get(key)
                if ready(value):
                    return value
                try:
                    async with asyncio.timeout_at(deadline):
                        await watch.changed()
                except TimeoutError:
                    return value

    async def windows(self, key: Key, starts: list[datetime]) -> dict[datetime, V]:
        """The values of a key's windows that begin then; windows without an event are missing."""
        rows = {window_key(key, round(start.timestamp() * 1000)): start for start in starts}
        found = await self.get_many(list(rows))
        return {rows[row]: value for row, value in found.items()}

    async def query(
        self,
        *,
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
        prefix: str = "",
        **equals: str,
    ) -> Page[V]:
        """A page of rows whose indexed fields equal these texts. Raises StoreError for a field without index."""
        page = await self._store.query(
            self._table.name,
            equals=equals,
            prefix=prefix,
            order_by=order_by,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )
        return Page([(row.key, self._table.decode(row.value)) for row in page.rows], page.cursor)

    def _merged(self, rows: list[Row]) -> dict[str, V]:
        values: dict[str, list[V]] = {}
        for row in rows:
            values.setdefault(row.key, []).append(self._table.decode(row.value))
        return {key: self._merge(key, parts) for key, parts in values.items()}

    def _merge(self, key: str, parts: list[V]) -> V:
        if len(parts) == 1:
            return parts[0]
        if self._table.merge is None:
            raise DeclarationError(f"table {self._table.name!r} holds {key!r} in several partitions: declare merge=")
        return reduce(self._table.merge, parts)


def _at_intervals(key: str | None, again: float) -> AbstractContextManager[Watch]:
    return nullcontext(Watch(key, again))


class Views:
    """The views of several services, each on its own store."""

    def __init__(self, stores: Mapping[str, Store], changes: Changes | None = None) -> None:
        """`stores` by app id; `changes` makes watching prompt."""
        self._stores = stores
        self._changes = changes

    def of(self, service: str, table: Table[V] | WindowedTable[V]) -> View[V]:
        """The view of a service's table."""
        plain = table.table if isinstance(table, WindowedTable) else table
        watching = None if self._changes is None else partial(self._changes.watch, service, plain.name)
        return View(self._stores[service], plain, watching)

    def documents(self, service: str, documents: Documents[V]) -> Documents[V]:
        """A service's documents, to read and put from here."""
        bound: Documents[Any] = Documents(documents.name, documents.value_type, index=documents.index)
        bound.bind(self._stores[service])
        return bound

    def store(self, service: str) -> Store:
        """A service's store."""
        return self._stores[service]
