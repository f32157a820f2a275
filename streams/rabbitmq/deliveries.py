"""Envelopes and details of messages of a queue, from their AMQP 0-9-1 properties."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from aiormq.abc import DeliveredMessage
from pamqp import commands

from streams.broker import Delivery, Details, Envelope, Scalar
from streams.rabbitmq.amqp10 import as_text


def delivery(message: DeliveredMessage) -> Delivery:
    """A delivery of `basic.deliver`."""
    properties = message.header.properties
    headers = _headers(properties)
    envelope = Envelope(
        message.delivery_tag or 0,
        properties.message_type or "",
        properties.message_id or "",
        properties.user_id or "",
        message.body,
        _text(headers.get("key")),
        _number(headers.get("time")),
        _text(headers.get("lane")),
        _number(headers.get("seq")),
        _number(headers.get("floor")),
        message,
    )
    return Delivery(envelope, bool(message.redelivered), max(_number(headers.get("x-delivery-count")), 0))


def details(message: DeliveredMessage) -> Details:
    """What the envelope leaves out."""
    properties = message.header.properties
    headers = _headers(properties)
    death = headers.get("x-first-death-reason")
    return Details(
        headers={k: v for k, given in headers.items() if not k.startswith("x-") and (v := _scalar(given)) is not None},
        correlation_id=properties.correlation_id,
        timestamp=None if properties.timestamp is None else int(properties.timestamp.timestamp()),
        app_id=properties.app_id,
        exchange=message.exchange or "",
        routing_key=message.routing_key or "",
        death=death if isinstance(death, str) else None,
    )


def _headers(properties: commands.Basic.Properties) -> Mapping[str, object]:
    return properties.headers or {}


def _text(value: object) -> str:
    """Texts, and whole numbers as text, as in a stream; "" for anything else."""
    if isinstance(value, bytes | bytearray):
        return as_text(bytes(value))
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int) else ""


def _number(value: object) -> int:
    """A whole number; a time in milliseconds; -1 for anything else."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return _number(value)
    if isinstance(value, float | Decimal):
        return str(value)
    return _text(value) or None
