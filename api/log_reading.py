"""A log as HTTP clients read it: event after event, as lines of JSON or as server-sent events."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import orjson

from api.hiding import shown
from streams.broker import Broker, Envelope
from streams.errors import BrokerError

QUIET: Final = 15.0
"""Seconds without an event, after which a sign of life is sent."""
LONGEST: Final = 600.0
"""Seconds that one answer lasts, as long as an access token: whoever reads on asks again, from where it was."""

Start = int | Literal["first", "next"]
Write = Callable[[int, str, bytes], bytes]
"""Offset, type and JSON text of an event -> what is sent."""

_TYPE = re.compile(r"[\w.\-]{1,255}")
_whole = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True, slots=True)
class Part:
    """What is read of a log: from `start` on, to the offset `end` (None: whatever comes), `most` events at most."""

    log: str
    start: Start
    end: int | None
    most: int | None


def as_line(offset: int, type_: str, text: bytes) -> bytes:
    """NDJSON."""
    return text + b"\n"


def as_event(offset: int, type_: str, text: bytes) -> bytes:
    """A server-sent event; browsers give its id back as `Last-Event-ID`."""
    name = f"event: {type_}\n" if _TYPE.fullmatch(type_) else ""
    return f"id: {offset}\n{name}data: ".encode() + text + b"\n\n"


async def reading(broker: Broker, part: Part, write: Write, sign_of_life: bytes) -> AsyncIterator[bytes]:
    """The part, in pieces as they come. It ends early where the broker fails: read on from the last offset."""
    if part.end is not None and isinstance(part.start, int) and part.start > part.end:
        return
    until = asyncio.get_running_loop().time() + LONGEST
    try:
        async for piece in _pieces(broker, part, write, sign_of_life, until):
            yield piece
    except BrokerError:
        return


async def _pieces(broker: Broker, part: Part, write: Write, sign_of_life: bytes, until: float) -> AsyncIterator[bytes]:
    start = part.start if isinstance(part.start, int) else 0
    told = 0
    async with broker.read(part.log, part.start) as reader:
        while asyncio.get_running_loop().time() < until:
            try:
                async with asyncio.timeout(QUIET):
                    chunk = await anext(reader)
            except TimeoutError:
                yield sign_of_life
                continue
            events = [e for e in reader.scan(chunk, start, ()) if part.end is None or e.offset <= part.end]
            events = events if part.most is None else events[: part.most - told]
            told += len(events)
            yield b"".join(write(event.offset, event.type, text_of(event, chunk.time)) for event in events)
            last = chunk.first + len(chunk.raws) - 1
            if told == part.most or (part.end is not None and last >= part.end):
                return


def text_of(event: Envelope, log_time: int) -> bytes:
    """The JSON of an event, in one line, without secrets. A body that is no JSON stands in `base64`."""
    told: dict[str, Any] = {
        "offset": event.offset,
        "id": event.id,
        "type": event.type,
        "key": event.key or None,
        "time": None if event.time < 0 else event.time,
        "logTime": log_time,
        "publisher": event.user or None,
    }
    try:
        _whole(event.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        told["base64"] = b64encode(event.body).decode()
    else:
        told["data"] = shown(event.body)
    # In JSON a bare end of line is space, never a part of a text.
    return orjson.dumps(told).replace(b"\n", b" ").replace(b"\r", b" ")
