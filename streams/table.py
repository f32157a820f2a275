"""Tables: keyed state of one log agent."""

import operator
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from stores.port import TableSpec
from streams.codec import Decode
from streams.errors import DeclarationError, OutsideAgent
from streams.event import Event
from streams.keys import Key, row_key, window_key
from streams.own_keys import OwnKeys
from streams.source import Source
from streams.windows import Windowing, hopping, tumbling
from streams.working import Working

V = TypeVar("V")

KeysOf = Callable[[Event[Any]], Key | Iterable[Key]]


class Turn(Protocol):
    """The batch at hand, as tables need it."""

    @property
    def time_ms(self) -> int: ...

    @property
    def watermark(self) -> int: ...

    @property
    def serial(self) -> int: ...

    @property
    def first(self) -> int: ...

    @property
    def index(self) -> int: ...

    def event_at(self, index: int) -> Event[Any]: ...

    async def load(self, table: str, keys: list[str]) -> None: ...


class Table(Generic[V]):
    """Keyed state, a dict to its agent and an SQL table to everyone else.

    Reading a missing key makes it, with `default()`, as in Faust; without a default it raises KeyError. Values may be
    changed in place. `resident` tables are in memory whole; others load the keys that `keys` computes from each event
    (default: the event's key). `merge` says how views combine the values that partitions hold of one key. Of `watched`
    tables the changed keys are told after each commit, for `View.watch`.
    """

    def __init__(
        self,
        name: str,
        *,
        default: Callable[[], V] | None = None,
        value_type: object = None,
        index: tuple[str, ...] = (),
        resident: bool = True,
        keys: KeysOf | None = None,
        merge: Callable[[V, V], V] | None = None,
        windowing: Windowing | None = None,
        watched: bool = False,
    ) -> None:
        self.name = name
        self.default = default
        self.value_type = _type_of_values(name, default, value_type)
        self.decode: Decode = msgspec.json.Decoder(self.value_type).decode
        self.index = index
        self.resident = resident
        self.keys = keys
        self.watched = watched
        self.merge = merge
        self.windowing = windowing
        self.working: ContextVar[Working] = ContextVar(f"working copy of {name}")
        self.turn: ContextVar[Turn] = ContextVar(f"turn of {name}")

    @property
    def spec(self) -> TableSpec:
        """The table as a store makes it."""
        return TableSpec(self.name, "table", self.index)

    def new_working(self, source: Source) -> Working:
        """An empty working copy for one partition."""
        parted = source.partitions > 1 and self.merge is None
        own = OwnKeys(self.name, source, windowed=self.windowing is not None) if parted else None
        return Working(self.name, self.decode, self.default, resident=self.resident, own=own)

    def tumbling(self, size: timedelta, expires: timedelta | None = None) -> "WindowedTable[V]":
        """Side-by-side windows over event time; a window is kept for `expires` after its end (None: for good)."""
        return self._windowed(tumbling(size, expires))

    def hopping(self, size: timedelta, step: timedelta, expires: timedelta | None = None) -> "WindowedTable[V]":
        """Overlapping windows over event time."""
        return self._windowed(hopping(size, step, expires))

    def _windowed(self, windowing: Windowing) -> "WindowedTable[V]":
        if windowing.expires is not None and not self.resident:
            raise DeclarationError(f"table {self.name!r}: windows that expire need a resident table")
        self.windowing = windowing
        return WindowedTable(self, windowing)

    def _here(self) -> Working:
        try:
            return self.working.get()
        except LookupError:
            raise OutsideAgent(
                f"table {self.name!r} belongs to an agent's body; elsewhere read it through a view"
            ) from None

    def __getitem__(self, key: Key) -> V:
        try:  # once for each event: no call between
            working = self.working.get()
        except LookupError:
            working = self._here()
        value: V = working[key]
        return value

    def __setitem__(self, key: Key, value: V) -> None:
        self._here()[key] = value

    def __delitem__(self, key: Key) -> None:
        del self._here()[key]

    def __contains__(self, key: Key) -> bool:
        return key in self._here()

    def get(self, key: Key) -> V | None:
        """The value, or None where there is none; makes no row."""
        value: V | None = self._here().peek(key)
        return value

    async def load(self, *keys: Key) -> None:
        """Load keys of a table that is not resident, which its `keys=` did not name."""
        self._here()
        await self.turn.get().load(self.name, [row_key(key) for key in keys])


def _type_of_values(name: str, default: Callable[[], Any] | None, value_type: object) -> object:
    if value_type is not None:
        return value_type
    if isinstance(default, type):
        return default
    raise DeclarationError(f"table {name!r} needs value_type=, or a type as its default=")


class WindowedTable(Generic[V]):
    """A table with a row for each key and window of event time."""

    def __init__(self, table: Table[V], windowing: Windowing) -> None:
        self.table = table
        self.windowing = windowing

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    def __getitem__(self, key: Key) -> "WindowSet[V]":
        return WindowSet(self, key, self.table.turn.get())

    def __setitem__(self, key: Key, value: "WindowSet[V] | V") -> None:
        if not isinstance(value, WindowSet):
            self[key].apply(lambda _, new: new, value)


class WindowSet(Generic[V]):
    """The windows of one key that hold the time of the event at hand.

    `table[key] += x` changes each of them. What has expired reads as the default and takes no change.
    """

    __slots__ = ("_key", "_table", "_turn")

    def __init__(self, table: WindowedTable[V], key: Key, turn: Turn) -> None:
        self._table = table
        self._key = key
        self._turn = turn

    def current(self) -> V:
        """The value of the latest window that holds the event's time."""
        return self._at(self._turn.time_ms)

    def now(self) -> V:
        """The value of the latest window at the watermark: the highest event time so far."""
        return self._at(self._turn.watermark)

    def delta(self, back: timedelta) -> V:
        """The value of the window that was current `back` before the event's time."""
        return self._at(self._turn.time_ms - round(back.total_seconds() * 1000))

    def _at(self, time: int) -> V:
        windowing, table = self._table.windowing, self._table.table
        start = windowing.current(time)
        row = window_key(self._key, start)
        found = None if windowing.expired(start, self._turn.watermark) else table.get(row)
        if found is not None:
            return found
        if table.default is None:
            raise KeyError(self._key)
        return table.default()

    def apply(self, operation: Callable[[V, Any], V], operand: object) -> "WindowSet[V]":
        """Set each window to `operation(value, operand)`."""
        table = self._table.table
        for start in self._table.windowing.starts(self._turn.time_ms):
            if not self._table.windowing.expired(start, self._turn.watermark):
                row = window_key(self._key, start)
                table[row] = operation(table[row], operand)
        return self

    def __iadd__(self, other: object) -> "WindowSet[V]":
        return self.apply(operator.iadd, other)

    def __isub__(self, other: object) -> "WindowSet[V]":
        return self.apply(operator.isub, other)

    def __imul__(self, other: object) -> "WindowSet[V]":
        return self.apply(operator.imul, other)

    def __ior__(self, other: object) -> "WindowSet[V]":
        return self.apply(operator.ior, other)
