"""What a log agent holds in memory of one partition: its tables' working copies, and which messages it has seen."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from stores.port import Encoded, Store
from streams.event import Event
from streams.expiry import Expiry
from streams.keys import Key, row_key, window_key
from streams.scope import Scope
from streams.source import Source
from streams.table import Table, Turn
from streams.working import Change, Working


class Partition:
    """The tables of one agent on one partition."""

    def __init__(self, source: Source, store: Store, tables: Sequence[Table[Any]]) -> None:
        self._number = source.partition
        self._store = store
        self._tables = {table.name: table for table in tables}
        self._working: dict[str, Working] = {table.name: table.new_working(source) for table in tables}
        self._expiry = {
            t.name: Expiry(t.windowing, self._working[t.name])
            for t in tables
            if t.windowing is not None and t.windowing.expires is not None
        }

    def enter(self, turn: Turn) -> None:
        """Make these the tables that the agent's body sees in the present context."""
        for name, table in self._tables.items():
            working = self._working[name]
            table.working.set(working)
            table.turn.set(turn)
            if not table.resident:
                working.scope = Scope(name, turn, partial(_keys_at, table, turn))

    async def load(self) -> None:
        """Read the resident tables whole."""
        resident = [w for w in self._working.values() if w.resident]
        found = await asyncio.gather(*(self._store.scan(w.table, self._number) for w in resident))
        for working, rows in zip(resident, found, strict=True):
            working.rows = rows
        for expiry in self._expiry.values():
            expiry.load()

    async def prefetch(self, events: Sequence[Event[Any]]) -> None:
        """Read, of the tables that are not resident, the keys that these events need."""
        needed = {t.name: _needed(t, events) for t in self._tables.values() if not t.resident}
        await asyncio.gather(*(self._fetch(table, keys) for table, keys in needed.items() if keys))

    @property
    def wants_prefetch(self) -> bool:
        """Whether any table is not resident."""
        return any(not working.resident for working in self._working.values())

    async def load_for_event(self, table: str, keys: list[str]) -> None:
        """Read keys that the event at hand asks for."""
        await self._fetch(table, keys)
        scope = self._working[table].scope
        if scope is not None:
            scope.admit(keys)

    async def _fetch(self, table: str, keys: Iterable[str]) -> None:
        """Read those keys of a table that are not at hand; what the batch under way to the store has changed is."""
        working = self._working[table]
        missing = working.unloaded(keys)
        if missing:
            working.load(missing, await self._store.fetch(table, self._number, missing))

    def changes(self, watermark: int) -> dict[str, list[Change]]:
        """What the batch changed, by table. Raises what encoding a value raises; nothing is settled then."""
        for expiry in self._expiry.values():
            expiry.mark(watermark)
        return {name: working.changes() for name, working in self._working.items()}

    def settle(self, changes: Mapping[str, list[Change]]) -> dict[str, Sequence[tuple[str, Encoded | None]]]:
        """End a batch: its changes, as they are committed."""
        for name, working in self._working.items():
            working.settle(changes[name])
            if name in self._expiry:
                self._expiry[name].settle(changes[name])
        return {name: changed for name, changed in changes.items() if changed}

    def rollback(self) -> None:
        """Forget what the batch did."""
        for working in self._working.values():
            working.rollback()

    def rows(self) -> int:
        """Rows in memory, over all tables."""
        return sum(len(working.rows) for working in self._working.values())


def _keys_at(table: Table[Any], turn: Turn, index: int) -> list[str]:
    return _keys(table, turn.event_at(index))


def _needed(table: Table[Any], events: Sequence[Event[Any]]) -> list[str]:
    """The keys that these events need. Where they cannot be told, the body is, as soon as it asks for one."""
    keys: list[str] = []
    for event in events:
        try:  # `suppress` takes longer than most keys
            keys += _keys(table, event)
        except Exception:
            continue
    return keys


def _keys(table: Table[Any], event: Event[Any]) -> list[str]:
    keys = event.rows.get(table.name)
    if keys is None:
        keys = event.rows[table.name] = _computed(table, event)
    return keys


def _computed(table: Table[Any], event: Event[Any]) -> list[str]:
    asked = event.key if table.keys is None else table.keys(event)
    if isinstance(asked, list):  # told first: to ask whether something is Iterable takes as long as all the rest
        keys: Iterable[Key] = asked
    else:
        keys = (asked,) if isinstance(asked, str | int | tuple) or not isinstance(asked, Iterable) else asked
    if table.windowing is None:
        return [row_key(key) for key in keys]
    starts = table.windowing.starts(event.time_ms)
    return [row_key(window_key(key, start)) for key in keys for start in starts]
