"""Warren: events published over HTTP."""

from contextlib import AsyncExitStack
from math import gcd

from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.publishing import ARRAY, LINES, ONE, Publishing
from benchmarks.scene import Scene
from benchmarks.subjects.warren_edge import WarrenEdge
from streams import Views

PATH = f"/api/events/{EXCHANGE}/{TYPE}"


def single(scene: Scene, connections: int) -> WarrenEdge:
    """One event a request."""
    return WarrenEdge(scene, connections, Events(ONE))


def lines(scene: Scene, connections: int) -> WarrenEdge:
    """Many, as NDJSON."""
    return WarrenEdge(scene, connections, Events(LINES))


def array(scene: Scene, connections: int) -> WarrenEdge:
    """Many, as a JSON array."""
    return WarrenEdge(scene, connections, Events(ARRAY))


class Events:
    """Asking: publish events."""

    role = "service"
    status = 202

    def __init__(self, publishing: Publishing) -> None:
        self._publishing = publishing

    async def views(self, scene: Scene, stack: AsyncExitStack) -> Views:
        """None."""
        return Views({})

    def requests(self, count: int, token: str) -> tuple[list[bytes], int]:
        """Each with as many events as make the count come out even."""
        each = gcd(count, self._publishing.most)
        return self._publishing.requests(each, PATH, Authorization=f"Bearer {token}"), count // each
