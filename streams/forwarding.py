"""Forwarding: the message for a partition that a message of the intake becomes.

It is the same event: id, type, body and headers stay. New are the forwarder's number, by which repeats are known (the
offset in the intake), and what the intake knew: `origin`, the offset, and `log_time`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from streams.addressing import SHARE_OF_KEY
from streams.broker import Details, Envelope, Message, Scalar
from streams.carriable import carried_text, carried_time
from streams.errors import NotDecodable
from streams.letters import own_headers
from streams.outbox import INDEX_BITS
from streams.source import partition_of
from topology.spec import Log


def key_finder(log: Log) -> Callable[[Envelope], str]:
    """What finds the key of an event: the field that the topology names, else the header `key`.

    It raises NotDecodable where there is none.
    """
    field = log.key
    if field is None:
        return _header_key
    keyed = msgspec.defstruct("Keyed", [("key", Any, None)], rename={"key": field})
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(keyed).decode

    def find(envelope: Envelope) -> str:
        try:
            value = decode(envelope.body).key
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return _checked(value) if isinstance(value, str) and value else _header_key(envelope, field)

    return find


def _header_key(envelope: Envelope, field: str | None = None) -> str:
    if envelope.key:
        return envelope.key
    wanted = "header `key`" if field is None else f"field {field!r} with a text or a whole number, and no header `key`"
    raise NotDecodable(f"it has no {wanted}: nobody can tell which partition it belongs to")


def _checked(key: str) -> str:
    if len(key.encode()) > SHARE_OF_KEY:
        raise NotDecodable(f"its key {key[:40]!r}… is longer than the {SHARE_OF_KEY:,} bytes that headers have for it")
    return key


def numbered(message: Message, lane: str, offset: int, floor: int) -> Message:
    """The message with the forwarder's number: the offset in the intake. All below offset `floor` is confirmed."""
    number: dict[str, Scalar] = {"lane": lane, "seq": offset << INDEX_BITS, "floor": floor << INDEX_BITS}
    message.headers = {**message.headers, **number}
    return message


def forwarded(
    log: Log, envelope: Envelope, details: Details, key: str, log_time: int, marks: Mapping[str, str]
) -> Message:
    """The message for the key's partition, not numbered yet. `marks` are headers that its sender may set."""
    headers = {"key": key, **own_headers(details), **marks, "origin": envelope.offset, "log_time": log_time}
    return Message(
        exchange="",
        routing_key=log.partition_names[partition_of(key, log.partitions)],
        body=envelope.body,
        message_id=carried_text(envelope.id or f"{log.name}@{envelope.offset}"),
        type=carried_text(envelope.type),
        headers=headers,
        correlation_id=carried_text(details.correlation_id) if details.correlation_id else None,
        timestamp=carried_time(details.timestamp),
        app_id=carried_text(details.app_id) if details.app_id else None,
    )
