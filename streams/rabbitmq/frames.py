"""Frames of AMQP 0-9-1 as bytes, many at a time (AMQP 0-9-1, sections 2.3.5 and 4.2).

pamqp writes one frame at a time from objects; publishing and settling in bulk do without them.
"""

from collections.abc import Mapping
from struct import Struct
from typing import TypeVar

from streams.broker import Message, Scalar

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_FRAME = Struct(">BHI")
_FRAME_BYTES = 8
"""A frame without its payload."""

_PUBLISH = b"\0\x3c\0\x28\0\0"
_MANDATORY = b"\x01"
_ACK, _REJECT = b"\0\x3c\0\x50", b"\0\x3c\0\x5a"
_SETTLEMENT = Struct(">BHI4sQ?c")

# Flags of the properties in a content header.
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _CORRELATION_ID = 1 << 15, 1 << 13, 1 << 12, 1 << 10
_MESSAGE_ID, _TIMESTAMP, _TYPE, _USER_ID, _APP_ID = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3
_ALWAYS = _CONTENT_TYPE | _HEADERS | _DELIVERY_MODE | _MESSAGE_ID | _TYPE | _USER_ID

_PERSISTENT = b"\x02"
_TRANSIENT = b"\x01"
_JSON = b"\x10application/json"
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""
_CONTENT = Struct(">HHQH")
_BASIC = 60

# These route the message to further queues, or close the channel; those let the publisher write what a stream keeps
# of the message's properties, the user included.
_ROUTING_HEADERS = ("CC", "BCC")
_FORGING_HEADERS = "x-amqp-1.0-"

_SIZES = [bytes([size]) for size in range(256)]
_REMEMBERED = 5_000


K = TypeVar("K")


class Unsendable(Exception):
    """This message cannot be written down in AMQP 0-9-1."""


def _short(text: str) -> bytes:
    content = text.encode()
    size = len(content)
    if size > 255:
        raise Unsendable(f"{text[:40]!r}… has {size} bytes of UTF-8, 255 is the most")
    return _SIZES[size] + content


class Publishing:
    """Writes the frames of messages on one channel."""

    def __init__(self, channel: int, frame_max: int, user: str) -> None:
        """`frame_max`: the most bytes of a frame, 0 for no limit."""
        self._channel = channel
        self._piece = frame_max - _FRAME_BYTES if frame_max else 1 << 30
        self._user = _short(user)
        self._content_type = _short("application/json")
        self._methods: dict[tuple[str, str], bytes] = {}
        self._names: dict[str, bytes] = {}
        self._kinds: dict[tuple[str, str | None], bytes] = {}

    def add(self, message: Message, frames: list[bytes]) -> None:
        """Append the frames of a message. Raises Unsendable, having appended nothing."""
        try:
            method = self._method(message.exchange, message.routing_key)
            properties = self._properties(message)
        except UnicodeEncodeError as error:
            raise Unsendable(f"half a surrogate pair in {error.object[:40]!r}") from error
        channel, body = self._channel, message.body
        frames += (method, _FRAME.pack(_HEADER, channel, len(properties)), properties, _END)
        if len(body) <= self._piece:
            if body:
                frames += (_FRAME.pack(_BODY, channel, len(body)), body, _END)
            return
        for start in range(0, len(body), self._piece):
            piece = body[start : start + self._piece]
            frames += (_FRAME.pack(_BODY, channel, len(piece)), piece, _END)

    def _method(self, exchange: str, routing_key: str) -> bytes:
        frame = self._methods.get((exchange, routing_key))
        if frame is None:
            payload = _PUBLISH + _short(exchange) + _short(routing_key) + _MANDATORY
            frame = _FRAME.pack(_METHOD, self._channel, len(payload)) + payload + _END
            _remember(self._methods, (exchange, routing_key), frame)
        return frame

    def _properties(self, message: Message) -> bytes:
        table = self._table(message.headers)
        flags = _ALWAYS
        parts = [b"", self._content_type, len(table).to_bytes(4, "big"), table, _PERSISTENT]
        if message.correlation_id is not None:
            flags |= _CORRELATION_ID
            parts.append(_short(message.correlation_id))
        parts.append(_short(message.message_id))
        if message.timestamp is not None:
            flags |= _TIMESTAMP
            parts.append(_time(message.timestamp))
        if message.app_id is not None:
            flags |= _APP_ID
        parts.append(self._kind(message.type, message.app_id))
        parts[0] = _CONTENT.pack(_BASIC, 0, len(message.body), flags)
        return b"".join(parts)

    def _kind(self, type_: str, app_id: str | None) -> bytes:
        """Type, user and application, the last of the properties, which hardly vary."""
        kind = self._kinds.get((type_, app_id))
        if kind is None:
            kind = _short(type_) + self._user + (b"" if app_id is None else _short(app_id))
            _remember(self._kinds, (type_, app_id), kind)
        return kind

    def _table(self, headers: Mapping[str, Scalar]) -> bytes:
        parts = []
        for name, value in headers.items():
            parts.append(self._names.get(name) or self._name(name))
            if isinstance(value, str):
                content = value.encode()
                parts += (b"S", len(content).to_bytes(4, "big"), content)
            elif isinstance(value, bool):
                parts.append(b"t\x01" if value else b"t\0")
            else:
                parts += (b"l", _whole(value))
        return b"".join(parts)

    def _name(self, name: str) -> bytes:
        if name in _ROUTING_HEADERS or name.startswith(_FORGING_HEADERS):
            raise Unsendable(f"the header {name!r} means something to RabbitMQ")
        content = _short(name)
        _remember(self._names, name, content)
        return content


def notice(channel: int, exchange: str, key: str, body: bytes) -> bytes:
    """Publish one small message that nobody keeps: not persistent, not mandatory. Its body fits into a frame."""
    method = _PUBLISH + _short(exchange) + _short(key) + b"\0"
    properties = _CONTENT.pack(_BASIC, 0, len(body), _CONTENT_TYPE | _DELIVERY_MODE) + _JSON + _TRANSIENT
    payloads = [(_METHOD, method), (_HEADER, properties), *([(_BODY, body)] if body else [])]
    return b"".join(_FRAME.pack(kind, channel, len(payload)) + payload + _END for kind, payload in payloads)


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """Settle one delivery, or with `multiple` all up to this one."""
    return _SETTLEMENT.pack(_METHOD, channel, 13, _ACK, tag, multiple, _END)


def reject(channel: int, tag: int, *, requeue: bool) -> bytes:
    return _SETTLEMENT.pack(_METHOD, channel, 13, _REJECT, tag, requeue, _END)


def _time(seconds: int) -> bytes:
    # A time that is in no calendar would make other clients choke on the message, and aiormq on its return.
    if not 0 <= seconds <= _LAST_SECOND:
        raise Unsendable(f"the timestamp {seconds} is not in seconds since 1970")
    return seconds.to_bytes(8, "big")


def _whole(number: int) -> bytes:
    try:
        return number.to_bytes(8, "big", signed=True)
    except (OverflowError, AttributeError):
        raise Unsendable(f"{number!r} is neither text, truth value nor a whole number of 64 bits") from None


def _remember(memory: dict[K, bytes], key: K, value: bytes) -> None:
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = value
