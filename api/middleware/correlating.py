"""Gives every request its correlation id: in its state, in all log lines, and in its answer."""

import random

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from api.correlation import REQUEST_ID, correlate
from api.middleware.responding import on_start


class Correlating:
    """Outermost, so that even a failure carries the id."""

    def __init__(self, app: ASGIApp, ids: random.Random) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation = correlate(scope, self._ids)

        def echo(status: int, headers: MutableHeaders) -> None:
            headers[REQUEST_ID] = correlation.id

        with bound_contextvars(correlation_id=correlation.id):
            await self._app(scope, receive, on_start(send, echo))
