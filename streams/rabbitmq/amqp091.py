"""Values of AMQP 0-9-1 as they lie in a frame (section 4.2.5, with RabbitMQ's errata).

pamqp reads them too, but raises for a text that is not UTF-8 or a time that no calendar has, and aiormq then ends the
connection: anybody's message could end every consumer of a service, again and again.
"""

import struct
from collections.abc import Iterator

from streams.rabbitmq.amqp10 import as_text

Value = str | bytes | int | float | bool | None
"""What `value` gives. Times are milliseconds since 1970 UTC; arrays, tables and decimals are None."""


class Unreadable(Exception):
    """These bytes are not what AMQP 0-9-1 says they should be."""


_FIXED = {
    code: struct.Struct(form)
    for code, form in {
        b"t": ">?",
        b"b": ">b",
        b"B": ">B",
        b"s": ">h",
        b"u": ">H",
        b"I": ">i",
        b"i": ">I",
        b"l": ">q",
        b"L": ">q",
        b"f": ">f",
        b"d": ">d",
    }.items()
}
_SIZED = (b"S", b"x", b"A", b"F")
_DECIMAL, _TIME = b"D", b"T"
_VOID = (b"V", b"\0")


def short_text(raw: bytes, place: int) -> tuple[str, int]:
    """The short string at `place`, and the place behind it."""
    stop = place + 1 + raw[place]
    return as_text(raw[place + 1 : stop]), stop


def table(raw: bytes, place: int) -> tuple[dict[str, "Value"], int]:
    """The table at `place`, and the place behind it. Raises Unreadable, IndexError or struct.error."""
    stop = place + 4 + int.from_bytes(raw[place : place + 4], "big")
    return dict(_fields(raw, place + 4, stop)), stop


def _fields(raw: bytes, place: int, stop: int) -> Iterator[tuple[str, Value]]:
    while place < stop:
        name, place = short_text(raw, place)
        found, place = value(raw, place)
        yield name, found
    if place != stop:
        raise Unreadable("a table of another length than it says")


def value(raw: bytes, place: int) -> tuple[Value, int]:
    """The value at `place`, which begins with its type, and the place behind it."""
    code = raw[place : place + 1]
    place += 1
    fixed = _FIXED.get(code)
    if fixed is not None:
        return fixed.unpack_from(raw, place)[0], place + fixed.size
    if code in _SIZED:
        stop = place + 4 + int.from_bytes(raw[place : place + 4], "big")
        content = raw[place + 4 : stop]
        return (as_text(content) if code == b"S" else content if code == b"x" else None), stop
    if code == _TIME:
        return int.from_bytes(raw[place : place + 8], "big") * 1000, place + 8
    if code == _DECIMAL:
        return None, place + 5
    if code in _VOID:
        return None, place
    raise Unreadable(f"a value of type {code!r}")
