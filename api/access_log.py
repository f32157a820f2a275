"""One log line for every request, and its place in the metrics."""

from typing import Final

import structlog
from starlette.types import Scope
from structlog.typing import FilteringBoundLogger

from api.http_metrics import HttpMetrics

log: FilteringBoundLogger = structlog.get_logger("warren.api")

NO_ANSWER: Final = 499
"""Stands for the status where the client went away before there was one, as nginx has it."""
_ASKED_BY_MACHINES: Final = {"/healthz", "/readyz", "/metrics"}


class AccessLog:
    """Takes note of requests that have ended, however they ended."""

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """One request."""
        route = route_of(scope)
        self._metrics.observe(scope["method"], route, status, seconds)
        tell = log.debug if route in _ASKED_BY_MACHINES else log.info
        tell(
            "request",
            method=scope["method"],
            path=scope["path"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            client=client_of(scope),
        )


def route_of(scope: Scope) -> str:
    """The template of the route that took the request, so that there are few of them; `unmatched` where none did."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


def client_of(scope: Scope) -> str | None:
    """The client's address; None where it has none, as at a Unix socket."""
    return scope["client"][0] if scope.get("client") else None
