"""What every store promises.

A store holds the state of one service: its tables, its documents, and one checkpoint for each slot (agent and
partition). Everything in one `Commit` becomes visible together or not at all, and only while the slot's epoch is the
caller's. That is the whole of exactly-once: position and state move in one transaction, under a fence.

Values are JSON texts as bytes, kept as they are. Keys are texts of up to 1,024 bytes in UTF-8, without NUL, ordered by
code point; a call with another key raises StoreError and writes nothing. Times are milliseconds since 1970 UTC.
Implementations may be used by many tasks at once; none of them keeps per-caller state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, NamedTuple, NewType, Protocol

Epoch = NewType("Epoch", int)
Encoded = bytes
"""A value as JSON text in UTF-8."""


class Slot(NamedTuple):
    """One agent on one partition of its log: the unit of ownership."""

    agent: str
    partition: int = 0

    def __str__(self) -> str:
        return f"{self.agent}/{self.partition}"


class Durability(IntEnum):
    """What a write survives that was acknowledged; each grade includes the ones before it."""

    NONE = 0
    """Nothing: it ends with the process."""
    KILL = 1
    """The end of every process, also of the server's. A power loss may take the last seconds."""
    POWER_LOSS = 2
    """A power loss, if the disk keeps what it has confirmed."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do, as data: callers ask these and never which store it is."""

    name: str
    """For messages: `memory`, `sqlite`, `postgresql`, …"""
    commits: bool
    """Whether `commit` keeps its promise, so that log agents may run on it (Redis holds documents only)."""
    durability: Durability
    """What an acknowledged write survives."""
    exclusive: bool
    """Whether one process at a time has the store open, so that a slot of an earlier process is free at once."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table or a collection of documents, as a store makes it.

    `index` names top-level JSON fields that `query` can filter and sort by (as texts). `names.py` says what a name may
    be.
    """

    name: str
    kind: Literal["table", "documents"] = "table"
    index: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One step of `plan`: what `apply` does, or has done, to make the store fit the specs."""

    action: Literal["create", "column", "index", "drop-index"]
    target: str
    statement: str
    """What is run, in the store's own language, to be shown to the person who runs `warren stores plan`."""


@dataclass(slots=True)
class Checkpoint:
    """The row of a slot."""

    slot: Slot
    epoch: Epoch
    birth: str
    """Random, made with the row: names the lane of the slot's sends."""
    position: int = -1
    """Offset of the last event handled; -1 before the first."""
    anchor: bytes = b""
    """Fingerprint of that event, to recognise the log again."""
    seen: bytes = b""
    """Lanes seen, as the engine packs them."""
    watermark: int = 0
    """Highest event time handled."""
    outbox: bytes = b""
    """Sends of the last batch, as the engine packs them; empty when all of them were confirmed."""
    quiet: int = -1
    """Up to this offset events set off no sends: they did so before a reset; -1 where there was none."""


@dataclass(slots=True)
class IdRow:
    """Message ids seen in one batch, packed by the engine."""

    position: int
    log_time: int
    ids: bytes


class DueTime(NamedTuple):
    """A message that an agent will be sent when its time has come; one for each key of a slot."""

    key: str
    at: int
    """When, in milliseconds since 1970 UTC."""
    cause: str
    """Which event set it: a text of the engine's, by which a message that comes due is told from an earlier one."""
    message: bytes
    """As the engine packs it."""


@dataclass(slots=True)
class Commit:
    """What a batch changes. Empty parts cost nothing."""

    slot: Slot
    epoch: Epoch
    position: int
    anchor: bytes
    seen: bytes
    watermark: int
    outbox: bytes = b""
    rows: Mapping[str, Sequence[tuple[str, Encoded | None]]] = field(default_factory=dict)
    """Table -> (key, value) in any order, each key once; None deletes."""
    ids: IdRow | None = None
    """Added to the slot's rows of message ids."""
    forget_ids_to: int = -1
    """Rows of message ids with a position up to this one are deleted first."""
    due: Mapping[str, DueTime | None] = field(default_factory=dict)
    """Key -> the due time that takes the place of the key's; None deletes."""
    dead: Sequence[int] = ()
    """Offsets of events that became dead letters; those that are known already stay."""
    revived: Sequence[int] = ()
    """Offsets of dead letters that were handled after all; written after `dead`."""
    birth: str | None = None
    """A new name for the slot's lane, where it reads another log from here on: `quiet` was about the old one, and
    becomes -1. None keeps both. For `commit_together` alone."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What takes a slot back in its log: nothing of what it made stays, and it goes on after `position`."""

    slot: Slot
    epoch: Epoch
    tables: Sequence[str]
    """Their rows of the slot's partition are deleted; so are its ids, due times and dead offsets."""
    position: int
    anchor: bytes
    quiet: int
    birth: str | None = None
    """A new name for the lane, where the log was made anew; None keeps the name."""


class Standing(NamedTuple):
    """How far a slot has come."""

    slot: Slot
    position: int
    quiet: int
    due: int
    """Due times that wait."""
    dead: int
    """Dead letters that may be replayed."""


class Holding(NamedTuple):
    """Who holds a slot, and since which epoch."""

    worker: str
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is at work on a store, by the store's clock."""

    workers: frozenset[str]
    """Those whose heartbeat has not run out."""
    held: Mapping[Slot, Holding]
    """The slots that these hold; every other slot is free."""


class Row(NamedTuple):
    """A row as views see it. For documents `partition` is 0."""

    partition: int
    key: str
    value: Encoded


class Document(NamedTuple):
    """A document; `version` starts at 1 and grows by one with each write."""

    value: Encoded
    version: int


class Put(NamedTuple):
    """A compare-and-set: written only if the document's version is still `version` (0: if there is none)."""

    id: str
    value: Encoded
    version: int


class PageOfRows(NamedTuple):
    """`cursor` continues after the last row; None at the end."""

    rows: list[Row]
    cursor: str | None


class Store(Protocol):
    """The state of one service. See the module's text for what holds for every method.

    Every method may raise StoreUnavailable, and SchemaMissing where `apply` was never run. `acquire` and `apply` may
    raise CommitUnknown too: call them again.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def open(self) -> None:
        """Connect, and check that the settings give the guarantees in `capabilities`. Raises StoreRefused. May be done
        twice, and again after `close`."""

    async def close(self) -> None:
        """Release everything; waits for calls under way. May be called twice."""

    # --- schema ---

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        """What `apply` would do; empty when the store fits. The engine's tables (checkpoints, ids, …) are included."""

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        """Make the store fit: creates tables and indexes, drops indexes of these tables that no spec names; never drops
        a table or a column that holds anything. Idempotent, safe at once from several processes. Returns what was done.
        Raises StoreError for specs that contradict each other or what exists."""

    # --- ownership ---

    async def heartbeat(self, worker: str, ttl: float) -> None:
        """Say that `worker` is alive for `ttl` seconds more, fewer than 900, by the store's clock.

        With 0 it leaves. Whoever has acquired a slot and is done says so: until its last `ttl` is over it counts as a
        worker that takes a share.
        """

    async def roster(self) -> Roster:
        """Who is alive and who holds what, at one moment."""

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        """Take a slot: raise its epoch, then read its checkpoint; None while another live worker holds it.

        A slot is free if it was released, if its owner is `worker`, or if its owner's heartbeat has run out. Makes the
        row, with a new `birth`, where there is none. Also counts as a heartbeat. From the return on, every commit with
        an earlier epoch raises Fenced. With `seize` it is taken from whoever holds it.
        """

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        """Give a slot up, if the epoch is still the caller's; else nothing happens."""

    # --- a log agent's state ---

    async def commit(self, commit: Commit) -> None:
        """Write all of it, or none.

        Raises Fenced (epoch is no longer the slot's; nothing was written), CommitUnknown (it may or may not have been
        written), StoreUnavailable (nothing was written).
        """

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        """Write all of several slots' commits, or none. Raises as `commit` does: Fenced, where any slot is lost."""

    async def ids(self, slot: Slot) -> list[IdRow]:
        """The slot's rows of message ids, by position."""

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        """The slot's due times up to that moment, in the order of time and key, `limit` of them at the most."""

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        """Key -> cause of the due times that these keys have."""

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        """Which of these offsets are of dead letters; with None, all that are."""

    async def standings(self) -> list[Standing]:
        """Of every slot, in the order of agent and partition."""

    async def reset(self, reset: Reset) -> None:
        """Take a slot back, all of it or nothing. Raises as `commit` does."""

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        """Put a shadow in a slot's place: rows of its tables (table -> shadow's table), ids, due times, dead offsets,
        lanes and watermark, in one step. Position, outbox and lane stay the slot's; of the shadow nothing stays.

        Both are on the same partition. Raises as `commit` does, and StoreError where the shadow is not at the slot's
        position.
        """

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        """The values of those keys that exist, in one query. Keys may repeat here and in `get`."""

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        """All rows of one partition."""

    # --- views ---

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        """The rows of those keys in every partition (a table of partial values has one per partition), or documents.
        In the order of key and partition."""

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
        """A page of rows or documents whose indexed fields equal those texts and whose keys begin with `prefix`.

        Ordered by `order_by` (an indexed field, as text; rows without it come first) and then by key and partition;
        without it by key and partition; `descending` turns the whole order round. JSON strings compare by their text,
        numbers and booleans by their JSON text, all by their first 256 characters; null is as good as absent, and a
        value with a NUL character in any of its texts has no fields. The cursor is opaque; reading on is stable while
        rows are added. Raises StoreError for a field that has no index, and for a cursor of another query.
        """

    # --- documents ---

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        """The documents of those ids that exist, in one query."""

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        """Each put's own outcome, all in one transaction: True if written, False if its version was not current.

        Ids may repeat: puts of one id are judged one after another. Raises CommitUnknown where the outcome is unknown.
        """
