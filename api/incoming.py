"""One event as an HTTP client writes it, and the message that it becomes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
import orjson

from api.correlation import Correlation
from api.depth import deeper, may_be_deeper
from api.inlets import Inlet
from streams import Publisher
from streams.broker import Message, Scalar
from streams.gate import MAX_AHEAD
from streams.windows import milliseconds

MAX_BYTES: Final = 1 << 20
"""Of one event."""
MAX_DEPTH: Final = 64
"""Objects and arrays within one another: some JSON readers stop there."""
MAX_TEXT: Final = 255
"""Bytes of an id or a key: what AMQP 0-9-1 gives to a short string."""
MAX_REASON: Final = 300
"""Characters."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# An odd number of backslashes before u0000: the escape itself, not a text that spells it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class EventRefused(Exception):
    """The event cannot be published as it is; the text says why, in a sentence or two."""

    def __init__(self, reason: str) -> None:
        # Decoders quote what they were given.
        super().__init__(reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]}…")


class Incoming(msgspec.Struct, forbid_unknown_fields=True):
    """What a client says of an event. Everything that the engine puts on a message is missing here on purpose."""

    data: msgspec.Raw
    id: str | None = None
    key: str | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Parser:
    """Makes messages for one inlet, on behalf of one request."""

    def __init__(self, publisher: Publisher, inlet: Inlet, *, correlation: Correlation, now: Callable[[], int]) -> None:
        self._publisher = publisher
        self._inlet = inlet
        self._headers: dict[str, Scalar] = {**correlation.headers}
        if inlet.schema is not None:
            self._headers["schema"] = inlet.schema
        self._correlation = correlation.id
        self._now = now

    def message(self, text: bytes | None) -> Message:
        """The message of an event's JSON text; None stands for one that is too large. Raises EventRefused."""
        if text is None or len(text) > MAX_BYTES:
            raise EventRefused(f"larger than {MAX_BYTES:,} bytes")
        event = _decoded(text)
        data = _checked_data(bytes(event.data))
        self._check_readable(data)
        return self._publisher.message(
            self._inlet.exchange,
            self._inlet.routing_key,
            data,
            key=_checked_text("key", event.key),
            id=_checked_text("id", event.id),
            time=None if event.time is None else self._checked_time(event.time),
            correlation_id=self._correlation,
            headers=self._headers,
        )

    def _check_readable(self, data: bytes) -> None:
        for read in self._inlet.readers:
            try:
                read(data)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise EventRefused(f"data is no {self._inlet.routing_key}: {error}") from error

    def _checked_time(self, time: datetime) -> int:
        ms = milliseconds(time - _EPOCH)
        if ms < 0:
            raise EventRefused("time lies before 1970")
        if ms > self._now() + MAX_AHEAD:
            raise EventRefused("time is more than an hour ahead")
        return ms


_decode = msgspec.json.Decoder(Incoming).decode


def _decoded(text: bytes) -> Incoming:
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise EventRefused(f"not an event {{id?, key?, time?, data}}: {_reason(error)}") from error


def _checked_data(data: bytes) -> bytes:
    if not data.startswith(b"{"):
        raise EventRefused("data is not a JSON object")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise EventRefused(f"data is not JSON: {_reason(error)}") from error
    if may_be_deeper(data, MAX_DEPTH) and deeper(value, MAX_DEPTH):
        raise EventRefused(f"data is nested deeper than {MAX_DEPTH} levels")
    if _NUL.search(data):
        raise EventRefused("data holds the character NUL, which databases cannot keep: remove it")
    return data


def _checked_text(name: str, text: str | None) -> str | None:
    if text is not None and not 0 < len(text.encode()) <= MAX_TEXT:
        raise EventRefused(f"{name} has 1 to {MAX_TEXT} bytes")
    if text is not None and _CONTROL.search(text):
        raise EventRefused(f"{name} holds a control character")
    return text


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested deeper than {MAX_DEPTH} levels"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
