"""The properties of a message in AMQP 0-9-1, as a content header has them (sections 1.8.1 and 4.2.6.1)."""

import struct
from dataclasses import dataclass

from streams.rabbitmq.amqp091 import Unreadable, Value, short_text, table

# In the order in which they follow each other; the first has the highest flag.
_TEXT, _TABLE, _OCTET, _TIME = "text", "table", "octet", "time"
_NAMES = (
    ("content_type", _TEXT),
    ("content_encoding", _TEXT),
    ("headers", _TABLE),
    ("delivery_mode", _OCTET),
    ("priority", _OCTET),
    ("correlation_id", _TEXT),
    ("reply_to", _TEXT),
    ("expiration", _TEXT),
    ("message_id", _TEXT),
    ("timestamp", _TIME),
    ("type", _TEXT),
    ("user_id", _TEXT),
    ("app_id", _TEXT),
    ("cluster_id", _TEXT),
)
_FIELDS = tuple((1 << 15 - position, name, kind) for position, (name, kind) in enumerate(_NAMES))
_CONTENT = struct.Struct(">HHQH")
_MORE_FLAGS = 1


@dataclass(slots=True)
class Properties:
    """What a message says about itself."""

    texts: dict[str, str]
    headers: dict[str, Value]
    timestamp: int | None
    """Whole seconds since 1970 UTC."""


def body_size(payload: bytes) -> int:
    """How many bytes of body follow a content header."""
    size: int = _CONTENT.unpack_from(payload)[2]
    return size


def properties(payload: bytes) -> Properties:
    """Raises Unreadable."""
    try:
        return _properties(payload)
    except (IndexError, struct.error) as error:
        raise Unreadable("the properties are cut") from error


def _properties(payload: bytes) -> Properties:
    flags: int = _CONTENT.unpack_from(payload)[3]
    if flags & _MORE_FLAGS:
        raise Unreadable("more properties than AMQP 0-9-1 has")
    found = Properties({}, {}, None)
    place = _CONTENT.size
    for flag, name, kind in _FIELDS:
        if not flags & flag:
            continue
        if kind is _TEXT:
            found.texts[name], place = short_text(payload, place)
        elif kind is _TABLE:
            found.headers, place = table(payload, place)
        elif kind is _OCTET:
            place += 1
        else:
            found.timestamp, place = int.from_bytes(payload[place : place + 8], "big"), place + 8
    if place != len(payload):
        raise Unreadable("properties of another length than they have")
    return found
