"""One log line for every request, and its place in the metrics."""

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from api.http_metrics import HttpMetrics
from api.middleware.responding import on_start

log: FilteringBoundLogger = structlog.get_logger("warren.api")

NO_ANSWER = 499
"""Stands for the status where the client went away before there was one, as nginx has it."""
_ASKED_BY_MACHINES = {"/healthz", "/readyz", "/metrics"}


class Accounting:
    """Takes note of a request when it has ended, however it ended."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = NO_ANSWER

        def note(status: int, headers: MutableHeaders) -> None:
            nonlocal answered
            answered = status

        began = time.perf_counter()
        try:
            await self._app(scope, receive, on_start(send, note))
        finally:
            self._note(scope, answered, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
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
            client=scope["client"][0] if scope.get("client") else None,
        )


def route_of(scope: Scope) -> str:
    """The template of the route that took the request, so that there are few of them; `unmatched` where none did."""
    return getattr(scope.get("route"), "path", None) or "unmatched"
