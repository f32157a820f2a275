"""How large a request's body may be, and how slowly it may come: enforced while it is read."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.media import NDJSON, media_type
from api.problems import Problem

LIMIT = 1 << 20
"""Bytes."""
EVENTS = "/api/events/"
EVENTS_LIMIT = 10 << 20
"""Bytes of JSON under `EVENTS`; NDJSON is read line by line and has no limit."""
IDLE = 30.0
"""Seconds without a byte, after which a request is given up."""


class BodyLimits:
    """Raises Problem (413, 408) from `receive`, inside the endpoint that reads."""

    def __init__(self, app: ASGIApp, idle: float = IDLE) -> None:
        self._app = app
        self._idle = idle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = _Limited(receive, scope, self._idle)
        await self._app(scope, receive, send)


class _Limited:
    """`receive` of one request."""

    def __init__(self, receive: Receive, scope: Scope, idle: float) -> None:
        self._receive = receive
        self._limit = limit_of(scope)
        self._idle: float | None = idle
        self._size = 0
        length = Headers(scope=scope).get("content-length", "")
        self._announced = int(length) if length.isdecimal() else 0

    async def __call__(self) -> Message:
        self._check(self._announced)
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError:
            raise _closing(408, "body_too_slow", f"nothing came for {self._idle} s: send the body faster") from None
        self._size += len(message.get("body", b""))
        self._check(self._size)
        if not message.get("more_body", False):
            self._idle = None  # What is received from now on is that the client goes away.
        return message

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise _closing(413, "body_too_large", f"the body has more than {self._limit:,} bytes: send less at once")


def limit_of(scope: Scope) -> int | None:
    """Bytes that a request's body may have; None: any number."""
    if not scope["path"].startswith(EVENTS):
        return LIMIT
    return None if media_type(Headers(scope=scope)) == NDJSON else EVENTS_LIMIT


def _closing(status: int, code: str, detail: str) -> Problem:
    # The rest of the body is on its way: only a closed connection ends it.
    return Problem(status, code, detail, headers={"Connection": "close"})
