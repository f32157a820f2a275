"""Events as HTTP clients give them: one by one, as lines, or as an array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from benchmarks.clients import request
from benchmarks.messages import messages

DIFFERENT: Final = 1_000
"""Events that differ, at least; a request has a different one of them."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """One way to give events."""

    media: str
    most: int
    """Events of a request."""
    join: Callable[[Sequence[bytes]], bytes]

    def requests(self, each: int, path: str, **headers: str) -> list[bytes]:
        """Requests of `each` events, which are orders."""
        made = (_event(m.body, str(m.headers["key"])) for m in messages(max(each, DIFFERENT), lanes=False))
        found: list[bytes] = []
        while len(events := list(islice(made, each))) == each:
            found.append(request("POST", path, self.join(events), Content_Type=self.media, **headers))
        return found


ONE: Final = Publishing("application/json", 1, lambda events: events[0])
LINES: Final = Publishing("application/x-ndjson", 10_000, b"\n".join)
ARRAY: Final = Publishing("application/json", 1_000, lambda events: b"[" + b",".join(events) + b"]")


def _event(data: bytes, key: str) -> bytes:
    return b'{"key":"%b","data":%b}' % (key.encode(), data)
