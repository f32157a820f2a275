"""A span for each request (W3C Trace Context): the root of what it sets off, or a child of the caller's."""

import random
import time
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access_log import NO_ANSWER, route_of
from api.middleware.envelope import ANSWERED
from streams.tracing import HEADER, Kind, Parent, Span, Tracer, header_of, parent_of

SERVICE: Final = "gateway"
_SERVER_ERROR: Final = 500


class Tracing:
    """Outside of everything: what lies within finds the request's own span in `traceparent`, and hands it on."""

    def __init__(self, app: ASGIApp, tracer: Tracer, ids: random.Random, share: float) -> None:
        """`share`: how many of the requests that come without a trace begin one, from 0 to 1."""
        self._app = app
        self._tracer = tracer
        self._ids = ids
        self._share = share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        given = headers.get(HEADER)
        parent = parent_of(given)
        if parent is None and (given is not None or self._ids.random() >= self._share):
            await self._app(scope, receive, send)
            return
        await self._traced(scope, receive, send, headers, parent)

    async def _traced(
        self, scope: Scope, receive: Receive, send: Send, headers: MutableHeaders, parent: Parent | None
    ) -> None:
        trace_id = parent.trace_id if parent else f"{self._ids.getrandbits(128) | 1:032x}"
        span_id = f"{self._ids.getrandbits(64) | 1:016x}"
        headers[HEADER] = header_of(trace_id, span_id)
        began = time.time_ns()
        try:
            await self._app(scope, receive, send)
        finally:
            status = scope.get("state", {}).get(ANSWERED, NO_ANSWER)
            method, route = scope["method"], route_of(scope)
            self._tracer.ended(
                Span(
                    SERVICE,
                    f"{method} {route}",
                    Kind.SERVER,
                    trace_id,
                    span_id,
                    parent.span_id if parent else None,
                    began,
                    time.time_ns(),
                    {"http.request.method": method, "http.route": route, "http.response.status_code": status},
                    failed=status >= _SERVER_ERROR,
                )
            )
