"""A message as the embedded broker keeps it: one MessagePack array, made once when it is published.

An envelope is decoded straight from it; what is seldom read stays packed in its last field.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from streams.broker import Details, Envelope, Lineage, Message, Scalar


class Stored(Envelope, array_like=True, gc=False):
    """An envelope that is encoded as an array. `raw` holds a packed `Rest`."""

    raw: msgspec.Raw = msgspec.Raw()
    log_time: int = -1
    schedule: str = ""
    only: str = ""


class Rest(msgspec.Struct, array_like=True, gc=False):
    """The fields of a message that an envelope does not have."""

    headers: Mapping[str, Scalar]
    correlation_id: str | None
    timestamp: int | None
    app_id: str | None
    exchange: str
    routing_key: str
    death: str | None = None


_SCALARS = frozenset((str, int, bool))
_encode = msgspec.msgpack.Encoder().encode
_decode_stored = msgspec.msgpack.Decoder(Stored).decode
_decode_rest = msgspec.msgpack.Decoder(Rest).decode


def pack(message: Message, user: str) -> bytes:
    """The message with its publisher's name on it.

    Raises TypeError for a header that is no scalar, OverflowError for an integer of more than 64 bits.
    """
    headers = message.headers
    if not _SCALARS.issuperset(map(type, headers.values())):
        raise TypeError(f"the headers of message {message.message_id!r} may hold texts, integers and booleans only")
    rest = Rest(
        headers, message.correlation_id, message.timestamp, message.app_id, message.exchange, message.routing_key
    )
    envelope = Stored(
        0,
        message.type,
        message.message_id,
        user,
        message.body,
        _text(headers.get("key")),
        _number(headers.get("time")),
        _text(headers.get("lane")),
        _number(headers.get("seq")),
        _number(headers.get("floor")),
        msgspec.Raw(_encode(rest)),
        _number(headers.get("log_time")),
        schedule=_text(headers.get("schedule")),
        only=_text(headers.get("only")),
    )
    return _encode(envelope)


def unpack(data: bytes, offset: int) -> Envelope:
    """The envelope of one message."""
    envelope = _decode_stored(data)
    envelope.offset = offset
    return envelope


def moved(data: bytes, exchange: str, routing_key: str | None, reason: str) -> tuple[bytes, Details]:
    """The message as the broker itself publishes it again; the first reason stays, as with RabbitMQ.

    `routing_key` None keeps the key it has.
    """
    envelope = _decode_stored(data)
    rest = _decode_rest(envelope.raw)
    rest.exchange = exchange
    rest.routing_key = rest.routing_key if routing_key is None else routing_key
    rest.death = rest.death or reason
    envelope.raw = msgspec.Raw(_encode(rest))
    return _encode(envelope), details(envelope)


def details(envelope: Envelope) -> Details:
    """The rest of a message of the embedded broker."""
    rest = _decode_rest(envelope.raw)
    return Details(
        headers={name: value for name, value in rest.headers.items() if not name.startswith("x-")},
        correlation_id=rest.correlation_id,
        timestamp=rest.timestamp,
        app_id=rest.app_id,
        exchange=rest.exchange,
        routing_key=rest.routing_key,
        death=rest.death,
    )


def lineage(envelope: Envelope) -> Lineage:
    """What a message of the embedded broker belongs to."""
    rest = _decode_rest(envelope.raw)
    return Lineage(rest.correlation_id or "", _text(rest.headers.get("traceparent")))


def fingerprint(envelope: Envelope) -> bytes:
    """8 bytes that tell the message from others, wherever it is kept."""
    digest = blake2b(digest_size=8)
    for text in (envelope.id, envelope.type, envelope.user):
        digest.update(text.encode() + b"\0")
    digest.update(bytes(envelope.raw))
    digest.update(envelope.body)
    return digest.digest()


def _text(value: Scalar | None) -> str:
    return value if type(value) is str else ""


def _number(value: Scalar | None) -> int:
    return value if type(value) is int else -1
