"""What a dead letter says, as functions of the message: nothing here raises, for a letter that fails makes a letter."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from streams import Event
from streams.broker import Details, Scalar

KEY_BYTES = 8
"""Of the hash that a letter is known by: short enough to be typed, long enough for a billion letters."""

_PREFIX = "dead-"
_ONCE = ("attempt",)
"""Headers that belong to the way to the dead letters."""


def text(value: object) -> str:
    """A header as a text that every store can hold; "" where it is absent."""
    plain = "" if value is None else str(value)
    return plain.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def number(value: object, default: int) -> int:
    """A header as a number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def source_of(details: Details) -> str:
    """The queue or log that a letter comes from: the broker's own letters have it as their routing key."""
    return text(details.headers.get("dead-source") or details.routing_key)


def place_of(headers: Mapping[str, Scalar]) -> tuple[str, str]:
    """(service, agent) that gave the event up; empty where the broker did."""
    return text(headers.get("dead-service")), text(headers.get("dead-agent"))


def event_id_of(event: Event[Any]) -> str:
    """The id of the event that died."""
    return text(event.headers.get("dead-id") or event.id)


def key_of(event: Event[Any]) -> str:
    """The letter's key: the same for every letter about one event of one agent and source."""
    parts = (source_of(event.details), *place_of(event.headers), event_id_of(event))
    return blake2b("\n".join(parts).encode(), digest_size=KEY_BYTES).hexdigest()


def kind_of(error: str) -> str:
    """The class of an error, as letters are grouped by it."""
    return error.partition(":")[0].strip()[:100] or "unknown"


def death_of(event: Event[Any]) -> str:
    """What tells one death from another: the sender's number, by which a letter that is sent again is known."""
    envelope = event.envelope
    return text(f"{envelope.lane}/{envelope.seq}" if envelope.lane else f"@{envelope.offset}")


def error_of(details: Details) -> str:
    """What went wrong."""
    told = details.headers.get("dead-error")
    return text(told) if told else f"{text(details.death or 'unknown')}: the broker gave it up"


def own_headers(headers: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The event's headers, without those of its death."""
    kept = {name: value for name, value in headers.items() if not name.startswith(_PREFIX) and name not in _ONCE}
    if "dead-time" in headers:
        kept["time"] = headers["dead-time"]
    return {text(name): text(value) if isinstance(value, str) else value for name, value in kept.items()}
