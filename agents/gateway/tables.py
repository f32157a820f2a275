"""What the gateway keeps: the answers to requests that may come again."""

from typing import Final

from streams import App, Record

app = App("gateway")

SHELVES: Final = 65_536


class Answer(Record):
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: str


class Kept(Record):
    """A request under an Idempotency-Key. Times are ms since 1970 UTC."""

    fingerprint: str
    """Of what was asked: the same key with another one is a fault."""
    busy_until: int
    """Somebody works on it until then at the longest; 0: nobody does."""
    until: int
    """Forgotten after that."""
    answer: Answer | None = None


class Shelf(Record):
    """The requests whose ids begin alike. There are `SHELVES` of them, and whoever writes clears what is forgotten, so
    that they take no more room than the requests of a day."""

    requests: dict[str, Kept]
    """By id."""


shelves = app.documents("idempotency", Shelf)
