"""The envelope and the details of a message of a stream, read in full and without haste."""

import struct
from collections.abc import Collection
from uuid import UUID

from streams.broker import Details, Envelope, Lineage, Scalar
from streams.rabbitmq.amqp10 import LISTS, MAPS, Unreadable, Value, after, as_text, enter, taken, value
from streams.rabbitmq.outline import (
    APPLICATION_PROPERTIES,
    BODIES,
    MESSAGE_ANNOTATIONS,
    PROPERTIES,
    SEQUENCE,
    SKIPPED,
    VALUE,
    Outline,
    Role,
    enter_section,
    outline,
)

_CORRELATION_ID, _CREATION_TIME, _GROUP_ID = 5, 9, 10


def read(raw: bytes, offset: int, skip: Collection[str]) -> Envelope | None:
    """The envelope of a message, None if its type is in `skip`. A message that cannot be read has type "" and itself
    as its body."""
    try:
        found = outline(raw)
        content = body(raw, found)
    except Unreadable:
        return Envelope(offset, "", "", "", raw, raw=raw)
    kind = text_at(raw, found.type)
    if kind in skip:
        return None
    places = found.places
    return Envelope(
        offset,
        kind,
        text_at(raw, places[Role.ID]),
        text_at(raw, found.user),
        content,
        text_at(raw, places[Role.KEY]),
        number_at(raw, places[Role.TIME]),
        text_at(raw, places[Role.LANE]),
        number_at(raw, places[Role.SEQ]),
        number_at(raw, places[Role.FLOOR]),
        raw,
        number_at(raw, places[Role.LOG_TIME]),
        schedule=text_at(raw, places[Role.SCHEDULE]),
        only=text_at(raw, places[Role.ONLY]),
    )


def body(raw: bytes, found: Outline) -> bytes:
    """The message's body: its data sections, or its value if that is binary or text. Raises Unreadable."""
    parts = [_content(raw, kind, place) for kind, place in found.sections if kind in BODIES]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _content(raw: bytes, kind: int, place: int) -> bytes:
    code = raw[place]
    if kind != SEQUENCE and code >> 4 in (0xA, 0xB) and (kind == VALUE or code in (0xA0, 0xB0)):
        return raw[place + (2 if code >> 4 == 0xA else 5) : after(raw, place)]
    raise Unreadable("a body that is neither binary nor text")


def text_at(raw: bytes, place: int) -> str:
    """A text field; "" where it is absent. Ids that are numbers or UUIDs read as RabbitMQ gives them to AMQP 0-9-1."""
    if place < 0:
        return ""
    if raw[place] == 0xA1:
        return as_text(raw[place + 2 : place + 2 + raw[place + 1]])
    return _text(value(raw, place)) or ""


def _text(found: Value) -> str | None:
    if isinstance(found, bytes):
        return as_text(found)
    if isinstance(found, UUID):
        return found.urn
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else None


def number_at(raw: bytes, place: int) -> int:
    """A number field; -1 where it is absent or no whole number."""
    found = value(raw, place) if place >= 0 else None
    return found if isinstance(found, int) and not isinstance(found, bool) else -1


def details(raw: bytes) -> Details:
    """What an envelope leaves out. Of a message that cannot be read, nothing."""
    try:
        notes, headers, properties = _parts(raw)
    except Unreadable:
        return Details({}, None, None, None, "", "")
    created = properties.get(_CREATION_TIME)
    return Details(
        headers={k: v for k, given in headers.items() if not k.startswith("x-") and (v := scalar(given)) is not None},
        correlation_id=_text(properties.get(_CORRELATION_ID)),
        timestamp=created // 1000 if isinstance(created, int) else None,
        app_id=_text(headers.get("x-basic-app-id", properties.get(_GROUP_ID))),
        exchange=_text(notes.get("x-exchange")) or "",
        routing_key=_text(notes.get("x-routing-key")) or "",
        death=_text(notes.get("x-first-death-reason", headers.get("x-first-death-reason"))),
    )


def lineage(raw: bytes) -> Lineage:
    """What a message belongs to. Of one that cannot be read, nothing."""
    found = details(raw)
    trace = found.headers.get("traceparent")
    return Lineage(found.correlation_id or "", trace if isinstance(trace, str) else "")


def _parts(raw: bytes) -> tuple[dict[str, Value], dict[str, Value], dict[int, Value]]:
    """The annotations, the headers and the properties, in one walk to the message's end. Raises Unreadable."""
    maps: dict[int, dict[str, Value]] = {}
    properties: dict[int, Value] | None = None
    place, end = 0, len(raw)
    try:
        while place < end:
            kind, place = enter_section(raw, place)
            if kind in (MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES):
                found, place = _mapping(raw, place)
                maps.setdefault(kind, found)
            elif kind == PROPERTIES:
                values, place = _listed(raw, place)
                properties = values if properties is None else properties
            elif kind in SKIPPED:
                place = after(raw, place)
            else:
                raise Unreadable(f"section {kind:#x}")
    except (IndexError, struct.error):
        raise Unreadable("the message is cut") from None
    if place != end:
        raise Unreadable("the message is cut")
    return maps.get(MESSAGE_ANNOTATIONS, {}), maps.get(APPLICATION_PROPERTIES, {}), properties or {}


def _mapping(raw: bytes, place: int) -> tuple[dict[str, Value], int]:
    """The map at `place`, of a name that comes twice the first, and the place behind it."""
    count, place = enter(raw, place, MAPS)
    if count % 2:
        raise Unreadable("a map with a key and no value")
    fields, place = taken(raw, place, count)
    found: dict[str, Value] = {}
    for key, given in zip(fields[::2], fields[1::2], strict=True):
        if isinstance(key, str) and key not in found:
            found[key] = given
    return found, place


def _listed(raw: bytes, place: int) -> tuple[dict[int, Value], int]:
    """The list at `place`, by position, and the place behind it."""
    count, place = enter(raw, place, LISTS)
    fields, place = taken(raw, place, count)
    return dict(enumerate(fields)), place


def scalar(found: Value) -> Scalar | None:
    """A header as the engine takes it: what is neither text, whole number nor truth value becomes text."""
    if isinstance(found, bool | int | str):
        return found
    return str(found) if isinstance(found, float) else _text(found)
