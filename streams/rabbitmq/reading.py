"""The envelope and the details of a message of a stream, read in full and without haste."""

from collections.abc import Collection
from uuid import UUID

from streams.broker import Details, Envelope, Scalar
from streams.rabbitmq.amqp10 import LISTS, Unreadable, Value, after, as_text, enter, pairs, value
from streams.rabbitmq.outline import (
    APPLICATION_PROPERTIES,
    BODIES,
    MESSAGE_ANNOTATIONS,
    PROPERTIES,
    SEQUENCE,
    VALUE,
    Outline,
    Role,
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
        sections = dict(reversed(outline(raw).sections))
    except Unreadable:
        return Details({}, None, None, None, "", "")
    notes = dict(_mapping(raw, sections.get(MESSAGE_ANNOTATIONS)))
    headers = dict(_mapping(raw, sections.get(APPLICATION_PROPERTIES)))
    properties = _properties(raw, sections.get(PROPERTIES))
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


def _mapping(raw: bytes, place: int | None) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, at in pairs(raw, place) if place is not None else ():
        if isinstance(key, str):
            found.setdefault(key, value(raw, at))
    return found


def _properties(raw: bytes, place: int | None) -> dict[int, Value]:
    found: dict[int, Value] = {}
    count, place = enter(raw, place, LISTS) if place is not None else (0, 0)
    for position in range(count):
        found[position] = value(raw, place)
        place = after(raw, place)
    return found


def scalar(found: Value) -> Scalar | None:
    """A header as the engine takes it: what is neither text, whole number nor truth value becomes text."""
    if isinstance(found, bool | int | str):
        return found
    return str(found) if isinstance(found, float) else _text(found)
