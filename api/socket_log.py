"""One log line for every WebSocket, when it ends, and its place in the metrics."""

from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.types import Scope
from structlog.typing import FilteringBoundLogger

from api.access_log import client_of, route_of

log: FilteringBoundLogger = structlog.get_logger("warren.api")

REFUSED: Final = 403
"""Stands for the code where a handshake was not accepted: its answer's status."""
_STANDARD: Final = range(1000, 1016)


@dataclass(slots=True)
class Course:
    """How one WebSocket went so far."""

    accepted: bool = False
    said: int = 0
    """Messages that it was told."""
    code: int | None = None
    """How it ended: the first code that either side gave. None: without one (RFC 6455, 7.1.5: 1006)."""
    by_client: bool = False


class SocketLog:
    """Takes note of WebSockets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge("warren_websockets_open", "WebSockets that are open.", registry=registry)
        self._said = Counter("warren_websocket_messages", "Messages told to WebSockets.", ["route"], registry=registry)
        self._ended = Counter("warren_websockets", "WebSockets that have ended.", ["route", "code"], registry=registry)

    def opened(self) -> None:
        """One was accepted."""
        self._open.inc()

    def told(self, scope: Scope) -> None:
        """One was told a message."""
        self._said.labels(route_of(scope)).inc()

    def ended(self, scope: Scope, course: Course, seconds: float) -> None:
        """One has ended, however it did."""
        route = route_of(scope)
        code = _code(course)
        if course.accepted:
            self._open.dec()
        self._ended.labels(route, _few(code, course)).inc()
        log.info(
            "websocket",
            path=scope["path"],
            route=route,
            code=code,
            by="client" if course.by_client else "edge",
            messages=course.said,
            milliseconds=round(seconds * 1000, 1),
            client=client_of(scope),
        )


def _code(course: Course) -> int:
    if not course.accepted:
        return REFUSED
    return 1006 if course.code is None else course.code


def _few(code: int, course: Course) -> str:
    """Clients may say any code that they like, and each would be a metric of its own."""
    return "other" if course.by_client and code not in _STANDARD else str(code)
