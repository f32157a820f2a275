"""Events: a decoded message with what is known about it."""

from datetime import UTC, datetime
from hashlib import blake2b, sha1
from typing import Final, Generic, TypeVar
from uuid import UUID

from streams.broker import Details, Envelope, Lineage, Reader, Scalar

T = TypeVar("T")

NAMESPACE = UUID("6a1f3c52-7d0e-5b64-9c1e-3f2f6f1f8f10")
"""Namespace of derived ids (RFC 9562, version 5)."""


ATTEMPT = "attempt"
"""Header: how often a message of a queue has been tried, this time included."""


_BEGUN: Final = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A digit, with its two upper bits set as the RFC wants them."""


def derived_text(event_id: str, name: str) -> str:
    """The id that follows from an event's id and a name: the same at every reading, attempt and worker.

    It is what `str(uuid5(…))` says, at a fifth of the cost: every message that is sent has one.
    """
    begun = _BEGUN.copy()
    begun.update(f"{event_id}/{name}".encode())
    digits = begun.hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"


def derive_id(event_id: str, name: str) -> UUID:
    """The same as a UUID."""
    return UUID(derived_text(event_id, name))


def moment(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware datetime in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


class Event(Generic[T]):
    """One event, as `stream.events()` and a table's `keys=` see it."""

    __slots__ = (
        "_attempt",
        "_details",
        "_envelope",
        "_lineage",
        "_place",
        "_reader",
        "_source",
        "log_time_ms",
        "rows",
        "time_ms",
        "value",
    )

    def __init__(
        self,
        value: T,
        envelope: Envelope,
        *,
        source: str,
        time_ms: int,
        log_time_ms: int,
        reader: Reader,
        attempt: int | None = None,
        place: str = "",
    ) -> None:
        """`place` stands for a message without id: its log and offset; "" for a queue, where its content does."""
        self.value = value
        self.time_ms = time_ms
        """When it happened."""
        self.log_time_ms = log_time_ms
        """When the log took it (for a queue: when it was delivered)."""
        self.rows: dict[str, list[str]] = {}
        """Table -> the rows that the event needs of it, once they are computed."""
        self._attempt = attempt
        self._envelope = envelope
        self._source = source
        self._reader = reader
        self._place = place
        self._details: Details | None = None
        self._lineage: Lineage | None = None

    @property
    def type(self) -> str:
        """The event's type, `order.created`."""
        return self._envelope.type

    @property
    def key(self) -> str:
        """The header `key`; "" if there is none."""
        return self._envelope.key

    @property
    def id(self) -> str:
        """The message id; for a message without one, a text that stands for it at every reading."""
        return self._envelope.id or self._place or self._content()

    def _content(self) -> str:
        return f"{self._source}/{blake2b(self._envelope.body, digest_size=16).hexdigest()}"

    @property
    def attempt(self) -> int:
        """How often it has been tried, this time included; the retry ladder counts in the header `attempt`."""
        if self._attempt is None:
            tried = self.headers.get(ATTEMPT, 1)
            self._attempt = max(tried, 1) if isinstance(tried, int) else 1
        return self._attempt

    @property
    def idempotency_key(self) -> str:
        """What to hand to whoever is called: the same at every attempt."""
        return self.id

    @property
    def source(self) -> str:
        """The log or queue it was read from."""
        return self._source

    @property
    def envelope(self) -> Envelope:
        """The message as the broker gave it."""
        return self._envelope

    @property
    def time(self) -> datetime:
        """When it happened."""
        return moment(self.time_ms)

    @property
    def log_time(self) -> datetime:
        """When the log took it; the same at every reading."""
        return moment(self.log_time_ms)

    @property
    def details(self) -> Details:
        """Headers, correlation id and the rest; read when first asked for."""
        if self._details is None:
            self._details = self._reader.details(self._envelope)
        return self._details

    @property
    def headers(self) -> dict[str, Scalar]:
        """All application headers."""
        return self.details.headers

    @property
    def lineage(self) -> Lineage:
        """What it says it belongs to; read when first asked for."""
        if self._lineage is None:
            self._lineage = self._reader.lineage(self._envelope)
        return self._lineage

    @property
    def correlation_id(self) -> str:
        """What links everything that one request set off; the event's own id where it began here."""
        return self.lineage.correlation_id or self.id

    def derive_id(self, name: str) -> UUID:
        """An id for something this event makes: the same at every reading and attempt."""
        return derive_id(self.id, name)
