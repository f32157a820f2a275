"""What is kept of dead letters, and of what people did about them."""

from datetime import datetime
from enum import StrEnum

from agents.deadletters import rules
from streams import App, Record
from streams.broker import Scalar
from topology.spec import SHARED

app = App(SHARED)


class Letter(Record):
    """An event that failed every attempt, as it came, and why. `id` stands for (source, agent, event)."""

    id: str
    service: str
    agent: str
    """Empty where the broker gave the event up by itself."""
    source: str
    """The queue or log it was read from."""
    offset: int
    """In that log; -1 for queues."""
    event_id: str
    type: str
    kind: str
    """Of the error: its class, or the broker's reason."""
    error: str
    traceback: str
    attempts: int
    died_at: datetime
    death: str
    """Which death it is: an event that was replayed may die again."""
    letter_body: bytes
    headers: dict[str, Scalar]
    correlation_id: str
    timestamp: int | None
    app_id: str
    user: str
    """Who published the letter: the user of the agent's worker."""
    left_out: int = 0
    """Bytes of the body, where it was too large to come along: it is in its log alone."""


class Did(StrEnum):
    """What somebody did about a letter."""

    REPLAY = "replay"
    DISCARD = "discard"


class Action(Record):
    """One entry of the audit trail: who did what, when, about which death. `done` is False while it is under way."""

    did: Did
    by: str
    at: datetime
    death: str
    done: bool
    why: str = ""


class Trail(Record):
    """All that was done about one letter, in order."""

    actions: list[Action]


letters = app.Table(
    "dead_letters",
    value_type=Letter,
    index=("agent", "kind", "source"),
    resident=False,
    keys=rules.key_of,
)
trails = app.documents("dead_letter_trails", Trail)
