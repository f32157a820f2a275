"""Envelopes and details of messages of a queue."""

from typing import NamedTuple

from streams.broker import Delivery, Details, Envelope, Lineage, Scalar
from streams.rabbitmq.amqp091 import Unreadable, Value, short_text
from streams.rabbitmq.amqp10 import as_text
from streams.rabbitmq.properties import Properties, properties


class Received(NamedTuple):
    """A message as it came: the payloads of its frames."""

    method: bytes
    """Of `basic.deliver`."""
    header: bytes
    body: bytes


class _Method(NamedTuple):
    tag: int
    redelivered: bool
    exchange: str
    routing_key: str


class Opened(NamedTuple):
    """A message whose frames are read, but for its body."""

    method: _Method
    properties: Properties
    """None at all where they cannot be read."""


def _method(payload: bytes) -> _Method:
    _, place = short_text(payload, 4)
    exchange, after_exchange = short_text(payload, place + 9)
    routing_key, _ = short_text(payload, after_exchange)
    return _Method(
        int.from_bytes(payload[place : place + 8], "big"), bool(payload[place + 8] & 1), exchange, routing_key
    )


def delivery(received: Received) -> Delivery:
    """A delivery. A message whose properties cannot be read has type "" and no id."""
    method = _method(received.method)
    try:
        found = properties(received.header)
    except Unreadable:
        opened = Opened(method, Properties({}, {}, None))
        return Delivery(Envelope(method.tag, "", "", "", received.body, raw=opened), method.redelivered, 0)
    texts, headers = found.texts, found.headers
    envelope = Envelope(
        method.tag,
        texts.get("type", ""),
        texts.get("message_id", ""),
        texts.get("user_id", ""),
        received.body,
        _text(headers.get("key")) or "",
        _number(headers.get("time")),
        _text(headers.get("lane")) or "",
        _number(headers.get("seq")),
        _number(headers.get("floor")),
        Opened(method, found),
    )
    return Delivery(envelope, method.redelivered, max(_number(headers.get("x-delivery-count")), 0))


def details(opened: Opened) -> Details:
    """What the envelope leaves out."""
    method, found = opened
    headers = found.headers
    return Details(
        headers={k: v for k, given in headers.items() if not k.startswith("x-") and (v := _scalar(given)) is not None},
        correlation_id=found.texts.get("correlation_id"),
        timestamp=found.timestamp,
        app_id=found.texts.get("app_id"),
        exchange=method.exchange,
        routing_key=method.routing_key,
        death=_text(headers.get("x-first-death-reason")),
    )


def lineage(opened: Opened) -> Lineage:
    """What a message belongs to."""
    _, found = opened
    trace = _scalar(found.headers.get("traceparent"))
    return Lineage(found.texts.get("correlation_id", ""), trace if isinstance(trace, str) else "")


def _text(found: Value) -> str | None:
    """Texts, and whole numbers as text, as in a log."""
    if isinstance(found, bytes):
        return as_text(found)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else None


def _number(found: Value) -> int:
    return found if isinstance(found, int) and not isinstance(found, bool) else -1


def _scalar(found: Value) -> Scalar | None:
    if isinstance(found, bool | int | str):
        return found
    return str(found) if isinstance(found, float) else _text(found)
