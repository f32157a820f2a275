"""Cutting a body into the JSON texts of its events, without reading what they say."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from api.problems import Problem

MAX_EVENTS: Final = 10_000
"""Of one JSON array; NDJSON has no limit."""

_AT_ONCE = 500  # elements cut before others get their turn
_SPACE = re.compile(r"[ \t\r\n]*")
# Numbers stay texts: making Python's integers of thousands of digits is refused, and slow.
_raw_decode = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).raw_decode
_skip = msgspec.json.Decoder(msgspec.Raw).decode


class Lines:
    """Cuts a stream of bytes into lines as they are completed. Blank lines are left out."""

    def __init__(self, longest: int) -> None:
        """`longest` in bytes: longer lines come as None, and are not kept while they are read."""
        self._longest = longest
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that end in this chunk."""
        first, *others = chunk.split(b"\n")
        self._add(first)
        lines: list[bytes | None] = []
        for part in others:
            lines += self.end()
            self._add(part)
        return lines

    def end(self) -> list[bytes | None]:
        """The line at hand, as if it were complete; none if there is none."""
        line = None if self._skipping else bytes(self._rest).strip()
        self._rest.clear()
        self._skipping = False
        return [] if line == b"" else [line]

    def _add(self, part: bytes) -> None:
        if self._skipping or len(self._rest) + len(part) > self._longest:
            self._rest.clear()
            self._skipping = True
        else:
            self._rest += part


def is_array(body: bytes) -> bool:
    """Whether a JSON text is an array, by its first character."""
    return body.lstrip()[:1] == b"["


async def elements(body: bytes) -> list[bytes]:
    """The JSON texts of an array's elements. Raises Problem (400, 413) where it is not JSON, or has too many."""
    found: list[bytes] = []
    for element in _cut(_checked(body)):
        if len(found) == MAX_EVENTS:
            raise Problem(413, "too_many_events", f"more than {MAX_EVENTS:,} events: send NDJSON, which has no limit")
        found.append(element)
        if len(found) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _cut(text: str) -> Iterator[bytes]:
    at = _after_space(text, text.index("[") + 1)
    while text[at] != "]":
        try:
            _, end = _raw_decode(text, at)
        except RecursionError:
            raise _malformed("nested too deeply") from None
        yield text[at:end].encode()
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _checked(body: bytes) -> str:
    try:
        _skip(body)
        return body.decode()
    except RecursionError:
        raise _malformed("nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _malformed(str(error)) from error


def _malformed(reason: str) -> Problem:
    return Problem(400, "malformed_json", f"the body is not JSON: {reason}")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
