"""What the checker is shown of a shop: rows, messages, the provider's book, and what was seen at its edges.

Everything is as it lies there, encoded. The checker has readings of its own (`rows.py`) and imports nothing of agents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Rows = Mapping[str, bytes]
"""Key -> value, JSON."""


class Breach(NamedTuple):
    """An invariant that does not hold: its number, of what (an order, a product), and what shows it."""

    number: int
    about: str
    evidence: str

    def __str__(self) -> str:
        return f"invariant {self.number}, {self.about}: {self.evidence}"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a log. Times are ms since 1970 UTC."""

    type: str
    id: str
    body: bytes
    offset: int = 0
    time: int = 0
    correlation: str = ""
    causation: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """Rows that became visible together: table -> key -> value, None where the row went."""

    rows: Mapping[str, Mapping[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Request:
    """An order that was asked for over HTTP, and answered."""

    user: str
    key: str
    order: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that has arrived: whose notification it was, with which text, how and to whom."""

    about: str
    template: str
    channel: str
    recipient: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A row of auth's tokens."""

    family: str
    spent: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that the edge let in, by any of its processes; `at` in seconds."""

    client: str
    at: float


@dataclass(slots=True)
class Evidence:
    """Of a shop at rest. What is left empty was not looked at."""

    tables: Mapping[str, Rows] = field(default_factory=dict)
    """`service.table`, documents too."""
    logs: Mapping[str, Sequence[Message]] = field(default_factory=dict)
    """In their order, repeats included."""
    history: Sequence[Commit] = ()
    """Commits of every service from the first; tables are named as in `tables`."""
    operations: Rows = field(default_factory=dict)
    """The provider's book: by idempotency key."""
    accounts: Rows = field(default_factory=dict)
    """The provider's book: by reference."""
    now: int = 0
    """When this was looked at, in ms since 1970 UTC."""
    due: Sequence[tuple[str, int]] = ()
    """Due times that are still to come: of what, and when (ms)."""
    published: Mapping[str, str] = field(default_factory=dict)
    """Ids of events that their exchange has taken, each with its type."""
    again: Mapping[str, Mapping[str, Rows]] = field(default_factory=dict)
    """Tables that were made once more, by how: `rebuilt`, `repeated`."""
    requests: Sequence[Request] = ()
    letters: Sequence[Letter] = ()
    refresh_tokens: Sequence[RefreshToken] = ()
    admissions: Sequence[Admission] = ()

    def rows(self, table: str) -> Rows:
        """A table's rows; none where it was not looked at."""
        return self.tables.get(table, {})
