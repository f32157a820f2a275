"""What AMQP 0-9-1 can carry beside a message's body.

Messages that came another way (AMQP 1.0, the stream protocol) may hold more. What follows from one must be sendable all
the same: a send that the broker can never take would hold up its partition for good.
"""

from collections.abc import Mapping
from hashlib import blake2b

from streams.broker import Scalar

SHORT_BYTES = 255
"""Of a property or a header's name, in UTF-8."""
HEADER_BYTES = 96 << 10
"""Of headers together: they must fit into one frame, 128 KiB at the least, with what the engine adds."""
LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""

_ROUTING = ("CC", "BCC")
"""Headers by which RabbitMQ routes a message to further queues."""


def carried_text(text: str) -> str:
    """A text that fits into a property: itself, or a digest that stands for it."""
    if len(text) <= SHORT_BYTES and (text.isascii() or len(text.encode()) <= SHORT_BYTES):
        return text
    return blake2b(text.encode(), digest_size=16).hexdigest()


def carried_time(seconds: int | None) -> int | None:
    """A timestamp; None for one that is in no calendar (milliseconds, most often)."""
    return seconds if seconds is not None and 0 <= seconds <= LAST_SECOND else None


def carriable(name: str, value: Scalar) -> bool:
    """Whether a header can be sent, if there is room for it."""
    if name in _ROUTING or len(name.encode()) > SHORT_BYTES:
        return False
    return isinstance(value, str) or -(2**63) <= value < 2**63


def size(name: str, value: Scalar) -> int:
    """Bytes that a header takes."""
    return 6 + len(name.encode()) + (len(value.encode()) if isinstance(value, str) else 8)


def carried_headers(headers: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Those headers that can be sent, as many as there is room for."""
    kept: dict[str, Scalar] = {}
    room = HEADER_BYTES
    for name, value in headers.items():
        if carriable(name, value) and (taken := size(name, value)) <= room:
            kept[name] = value
            room -= taken
    return kept
