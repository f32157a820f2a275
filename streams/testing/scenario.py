"""What is simulated: apps, topology, input, and what must hold in the end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, NamedTuple

import msgspec

from stores.memory import MemoryStore
from stores.port import Row, Store
from streams.app import App
from streams.broker import Envelope
from streams.errors import DeclarationError
from streams.record import Record
from streams.testing.process import TURNS
from topology.spec import Topology

EPOCH_MS = 1_700_000_000_000
"""Milliseconds since 1970 when every simulation begins."""


@dataclass(frozen=True, slots=True)
class Input:
    """One event that somebody outside publishes, under the same id until the broker has confirmed it."""

    exchange: str
    value: Record
    key: str | None = None
    id: str | None = None
    """Message id; by default one that follows from the seed."""
    time: int | None = None
    """When it happened, in ms since 1970 UTC; by default when it is published."""
    after: float = 0.0
    """Seconds between the input before it and this one."""


class Violation(NamedTuple):
    """Something that must not be."""

    kind: Literal["lost", "twice", "order", "wrong", "stuck"]
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass(slots=True)
class Outcome:
    """What a simulation has left, once everything had come to rest."""

    inputs: Sequence[Input]
    """What was published; all of it was confirmed."""
    apps: Mapping[str, App]
    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    """(app id, name of a table or of documents) → rows of all partitions, encoded."""
    logs: dict[str, list[Envelope]] = field(default_factory=dict)
    """Everything that was ever in each log of the topology, with the repeats that went over the wire."""

    def table(self, app: str, name: str) -> dict[str, Any]:
        """A table's values by key; what several partitions hold of a key is merged as the table says."""
        table = self.apps[app].tables[name]
        values: dict[str, Any] = {}
        for row in self.rows[app, name]:
            value = table.decode(row.value)
            if row.key in values:
                if table.merge is None:
                    raise DeclarationError(f"table {name!r} holds {row.key!r} in several partitions: declare merge=")
                value = table.merge(values[row.key], value)
            values[row.key] = value
        return values

    def documents(self, app: str, name: str) -> dict[str, Any]:
        """Documents by id."""
        collection = self.apps[app].collections[name]
        return {row.key: msgspec.json.decode(row.value, type=collection.value_type) for row in self.rows[app, name]}

    def log(self, name: str) -> list[Envelope]:
        """What is in a log. Of what has a lane, or an id, the first one counts and the others are repeats."""
        return self.logs[name]


MakeStore = Callable[[str, Callable[[], float], Callable[[], str]], Store]
"""Makes the store of an app, by its id; the clock gives seconds, and the last one names the lanes of new slots."""


def in_memory(app: str, clock: Callable[[], float], births: Callable[[], str]) -> Store:
    """A store in memory."""
    return MemoryStore(clock, births)


@dataclass(frozen=True, slots=True)
class Scenario:
    """See the module's text. Everything has to follow from what is given: no clock, no chance of its own."""

    apps: Callable[[], Sequence[App]]
    """Makes the apps; called for every worker, since a worker binds what it is given."""
    topology: Topology
    inputs: Callable[[Random], Iterable[Input]]
    """The input; all chance comes from the random source given."""
    check: Callable[[Outcome], Iterable[Violation]]
    """What must hold in the end: gives what does not."""
    turns: int = TURNS
    """Of the event loop, after which a simulation is taken to have no end."""
    store: MakeStore = in_memory
    """What every app's rows are in; a store that keeps a history shows what was there at every instant."""
