"""Values of AMQP 1.0 as they lie in a message (AMQP 1.0, part 1, sections 1.2 and 1.6).

Sizes of lists and maps are not looked at, only their counts: RabbitMQ's and other readers do the same.
"""

import struct
from uuid import UUID

NULL, TRUE, FALSE = 0x40, 0x41, 0x42
EMPTY_LIST = 0x45
LISTS = (0xC0, 0xD0)
MAPS = (0xC1, 0xD1)

# The upper half of a constructor says how its value lies in the message: of fixed width, or with a size before it.
_FIXED = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_SHORT = (0xA, 0xC, 0xE)
_LONG = (0xB, 0xD, 0xF)

_SIGNED = (0x51, 0x54, 0x55, 0x61, 0x71, 0x81, 0x83)
_UNSIGNED = (0x43, 0x44, 0x50, 0x52, 0x53, 0x60, 0x70, 0x80)
_TEXTS = (0xA1, 0xA3, 0xB1, 0xB3)
_BINARIES = (0xA0, 0xB0)
_SHORT_TEXTS = (0xA1, 0xA3)
_LONGS = (0x81, 0x83)
_FLOATS = {0x72: struct.Struct(">f"), 0x82: struct.Struct(">d")}

Value = str | bytes | int | float | bool | UUID | None
"""What `value` gives. Timestamps are milliseconds since 1970 UTC. Anything else (lists, maps, decimals) is None."""


class Unreadable(Exception):
    """These bytes are not an AMQP 1.0 message."""


def after(raw: bytes, place: int) -> int:
    """The place behind the value that begins at `place`; may lie behind the end of a message that was cut.

    Raises Unreadable, and IndexError where the message ends before the value's size.
    """
    code = raw[place]
    while code == 0:
        place = after_descriptor(raw, place)
        code = raw[place]
    kind = code >> 4
    if kind in _SHORT:
        return place + 2 + raw[place + 1]
    if kind in _LONG:
        return place + 5 + int.from_bytes(raw[place + 1 : place + 5], "big")
    width = _FIXED.get(kind)
    if width is None:
        raise Unreadable(f"constructor {code:#x}")
    return place + 1 + width


def after_descriptor(raw: bytes, place: int) -> int:
    """The place behind the descriptor (0x00 and a value that is not itself described) that begins at `place`."""
    if raw[place + 1] == 0:
        raise Unreadable("a described descriptor")
    return after(raw, place + 1)


def enter(raw: bytes, place: int, codes: tuple[int, int]) -> tuple[int, int]:
    """The count of a list or map (`codes`: LISTS or MAPS) at `place`, and the place of its first element."""
    code = raw[place]
    if code == codes[0]:
        return raw[place + 2], place + 3
    if code == codes[1]:
        return int.from_bytes(raw[place + 5 : place + 9], "big"), place + 9
    if code in (NULL, EMPTY_LIST):
        return 0, place + 1
    raise Unreadable(f"constructor {code:#x} where a list or map should be")


def taken(raw: bytes, place: int, count: int) -> tuple[list[Value], int]:
    """The values that lie one behind the other from `place` on, and the place behind them."""
    found: list[Value] = []
    for _ in range(count):  # for each field of each message: no call between, where it is one of the usual
        code = raw[place]
        if code in _SHORT_TEXTS:
            end = place + 2 + raw[place + 1]
            found.append(raw[place + 2 : end].decode("utf-8", "backslashreplace"))
        elif code in _LONGS:
            end = place + 9
            found.append(int.from_bytes(raw[place + 1 : end], "big", signed=True))
        elif code == NULL:
            end = place + 1
            found.append(None)
        else:
            end = after(raw, place)
            found.append(value(raw, place))
        place = end
    return found, place


def value(raw: bytes, place: int) -> Value:
    """The value that begins at `place`."""
    code = raw[place]
    kind = code >> 4
    if kind in (0xA, 0xB):
        size = 1 if kind == 0xA else 4
        return _sized(code, raw[place + 1 + size : after(raw, place)])
    if kind in _FIXED:
        return _fixed(code, raw[place + 1 : after(raw, place)])
    return None


def _sized(code: int, content: bytes) -> Value:
    if code in _TEXTS:
        return as_text(content)
    return content if code in _BINARIES else None


def _fixed(code: int, content: bytes) -> Value:
    if code in _SIGNED:
        return int.from_bytes(content, "big", signed=True)
    if code in _UNSIGNED:
        return int.from_bytes(content, "big")
    if code in (TRUE, FALSE):
        return code == TRUE
    if code == 0x56:
        return content != b"\0"
    if code == 0x98:
        return UUID(bytes=content)
    return _FLOATS[code].unpack(content)[0] if code in _FLOATS else None


def as_text(content: bytes) -> str:
    """UTF-8; bytes that are not are shown as escapes, so that different ones stay different."""
    return content.decode("utf-8", "backslashreplace")
