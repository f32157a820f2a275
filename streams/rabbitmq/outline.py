"""Where the fields that the engine reads lie in a message of a stream.

A stream keeps AMQP 1.0 messages (part 3, section 3.2). RabbitMQ writes the properties of AMQP 0-9-1 into them, `type`
up to 3.12 as the application property `x-basic-type`, later as a message annotation of that name; publishers that
speak AMQP 1.0 have no type and use `subject`. Exchange and routing key are annotations in every version; a message
that a client wrote into the stream itself has none.
"""

from dataclasses import dataclass
from enum import IntEnum

from streams.rabbitmq.amqp10 import LISTS, MAPS, Unreadable, after, after_descriptor, enter, value

MESSAGE_ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES = 0x72, 0x73, 0x74
DATA, SEQUENCE, VALUE = 0x75, 0x76, 0x77
BODIES = (DATA, SEQUENCE, VALUE)
SKIPPED = (0x70, 0x71, *BODIES, 0x78)

_SYMBOLS = {
    "amqp:header:list": 0x70,
    "amqp:delivery-annotations:map": 0x71,
    "amqp:message-annotations:map": MESSAGE_ANNOTATIONS,
    "amqp:properties:list": PROPERTIES,
    "amqp:application-properties:map": APPLICATION_PROPERTIES,
    "amqp:data:binary": DATA,
    "amqp:amqp-sequence:list": SEQUENCE,
    "amqp:amqp-value:*": VALUE,
    "amqp:footer:map": 0x78,
}


class Role(IntEnum):
    """What a place in a message is for."""

    ID = 0
    USER = 1
    SUBJECT = 2
    NOTED_TYPE = 3
    TYPE = 4
    EXCHANGE = 5
    KEY = 6
    TIME = 7
    LANE = 8
    SEQ = 9
    FLOOR = 10
    SCHEDULE = 11
    ONLY = 12
    LOG_TIME = 13
    CORRELATION = 14
    TRACE = 15


ABSENT = -1
_NOWHERE = [ABSENT] * len(Role)

# The places of message-id, user-id, subject and correlation-id in the list of properties.
_PROPERTIES = {0: int(Role.ID), 1: int(Role.USER), 3: int(Role.SUBJECT), 5: int(Role.CORRELATION)}


def _encodings(name: str) -> list[bytes]:
    content = name.encode()
    short, long = len(content).to_bytes(1, "big"), len(content).to_bytes(4, "big")
    return [b"\xa1" + short + content, b"\xa3" + short + content, b"\xb1" + long + content, b"\xb3" + long + content]


_ANNOTATIONS = {
    key: int(role)
    for name, role in {"x-basic-type": Role.NOTED_TYPE, "x-exchange": Role.EXCHANGE}.items()
    for key in _encodings(name)
}
_HEADERS = {
    key: int(role)
    for name, role in {
        "x-basic-type": Role.TYPE,
        "key": Role.KEY,
        "time": Role.TIME,
        "lane": Role.LANE,
        "seq": Role.SEQ,
        "floor": Role.FLOOR,
        "schedule": Role.SCHEDULE,
        "only": Role.ONLY,
        "log_time": Role.LOG_TIME,
        "traceparent": Role.TRACE,
    }.items()
    for key in _encodings(name)
}


@dataclass(slots=True)
class Outline:
    """The places of a message's fields."""

    places: list[int]
    """By Role, where the value begins (its constructor), or ABSENT. Of a name that comes twice, the first."""
    sections: list[tuple[int, int]]
    """The kind of each section, and where its value begins."""

    @property
    def type(self) -> int:
        """The place of the message's type, or ABSENT."""
        for role in (Role.NOTED_TYPE, Role.TYPE, Role.SUBJECT):
            if self.places[role] >= 0:
                return self.places[role]
        return ABSENT

    @property
    def user(self) -> int:
        """The place of the user, where the broker has checked it: of what came through an exchange.

        A client that writes to the stream itself may claim any user, annotations included, and so may, since RabbitMQ
        3.11.9, one that publishes with AMQP 0-9-1 and the header `x-amqp-1.0-properties`. Whoever must not pose as a
        service must not be let publish to the log or to an exchange that is bound to it.
        """
        return self.places[Role.USER] if self.places[Role.EXCHANGE] >= 0 else ABSENT


def outline(raw: bytes) -> Outline:
    """Walk through a message to its end. Raises Unreadable."""
    found = Outline(_NOWHERE.copy(), [])
    place, end = 0, len(raw)
    try:
        while place < end:
            place = _section(raw, place, found)
    except IndexError:
        raise Unreadable("the message is cut") from None
    if place != end:
        raise Unreadable("the message is cut")
    return found


def enter_section(raw: bytes, place: int) -> tuple[int, int]:
    """The kind of the section that begins at `place`, and where its value begins."""
    if raw[place] != 0:
        raise Unreadable("a section without descriptor")
    if raw[place + 1] == 0x53:
        return raw[place + 2], place + 3
    start, place = place + 1, after_descriptor(raw, place)
    descriptor = value(raw, start) if place <= len(raw) else None
    if isinstance(descriptor, str):
        descriptor = _SYMBOLS.get(descriptor)
    if not isinstance(descriptor, int):
        raise Unreadable("an unknown section")
    return descriptor, place


def _section(raw: bytes, place: int, found: Outline) -> int:
    kind, place = enter_section(raw, place)
    found.sections.append((kind, place))
    if kind == APPLICATION_PROPERTIES:
        return _map(raw, place, _HEADERS, found.places)
    if kind == MESSAGE_ANNOTATIONS:
        return _map(raw, place, _ANNOTATIONS, found.places)
    if kind == PROPERTIES:
        return _list(raw, place, found.places)
    if kind not in SKIPPED:
        raise Unreadable(f"section {kind:#x}")
    return after(raw, place)


def _map(raw: bytes, place: int, roles: dict[bytes, int], places: list[int]) -> int:
    count, place = enter(raw, place, MAPS)
    if count % 2:
        raise Unreadable("a map with a key and no value")
    for _ in range(count // 2):
        start = place
        place = place + 2 + raw[place + 1] if raw[place] in (0xA1, 0xA3) else after(raw, place)
        role = roles.get(raw[start:place])
        if role is not None and places[role] < 0:
            places[role] = place
        place = place + 2 + raw[place + 1] if raw[place] == 0xA1 else after(raw, place)
    return place


def _list(raw: bytes, place: int, places: list[int]) -> int:
    count, place = enter(raw, place, LISTS)
    for position in range(count):
        role = _PROPERTIES.get(position)
        if role is not None and places[role] < 0 and raw[place] != 0x40:
            places[role] = place
        place = place + 1 if raw[place] == 0x40 else after(raw, place)
    return place
