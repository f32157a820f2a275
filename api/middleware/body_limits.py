"""How large a request's body may be, how slowly it may come, and what becomes of a body that nobody reads."""

import asyncio
import math
from contextlib import suppress

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.header import header
from api.media import NDJSON, media_type
from api.problems import Problem

LIMIT = 1 << 20
"""Bytes."""
EVENTS = "/api/events/"
EVENTS_LIMIT = 10 << 20
"""Bytes of JSON under `EVENTS`; NDJSON is read line by line and has no limit."""
IDLE = 30.0
"""Seconds without a byte, after which a request is given up."""
WITHIN = 120.0
"""Seconds for a whole body that has a limit; lines may come for as long as they come."""
LINGER = 2.0
"""Seconds for which the rest of a body is read and dropped before an early answer.

Most clients read no answer before they have sent everything, and a connection that is closed with bytes unread is
reset, answer and all. Whoever still sends after that is cut off.
"""


class BodyLimits:
    """Raises Problem (413, 408) from `receive`, inside the endpoint that reads."""

    def __init__(self, app: ASGIApp, idle: float = IDLE, linger: float = LINGER, within: float = WITHIN) -> None:
        self._app = app
        self._idle = idle
        self._linger = linger
        self._within = within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = _Body(scope, receive, send, self._idle, self._linger, self._within)
            receive, send = body.receive, body.send
        await self._app(scope, receive, send)


class _Body:
    """The body of one request, between server and application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, idle: float, linger: float, within: float) -> None:
        self._receive, self._send = receive, send
        self._idle, self._linger = idle, linger
        self._limit = limit_of(scope)
        self._until = math.inf if self._limit is None else asyncio.get_running_loop().time() + within
        self._size = 0
        length = header(scope, b"content-length")
        self._announced = int(length) if length.isdecimal() and length.isascii() else 0
        self._more = self._announced > 0 or header(scope, b"transfer-encoding") != ""
        # Until something is received, such a client waits to be told whether to send at all.
        self._asks_first = header(scope, b"expect").lower() == "100-continue"

    async def receive(self) -> Message:
        self._check(self._announced)
        # Without a body, all there is to wait for is that the client goes away.
        message = await self._next(min(self._idle, self._left()) if self._more else None)
        self._size += len(message.get("body", b""))
        self._check(self._size)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._more:
            await self._drop_rest()
            if self._more:
                MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)

    async def _next(self, within: float | None) -> Message:
        self._asks_first = False
        try:
            async with asyncio.timeout(within):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "body_too_slow", "the body comes too slowly: send it faster") from None
        self._more = message.get("more_body", False)
        return message

    def _left(self) -> float:
        return self._until - asyncio.get_running_loop().time()

    async def _drop_rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._linger):
                while self._more and not self._asks_first:
                    await self._next(None)

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise Problem(413, "body_too_large", f"the body has more than {self._limit:,} bytes: send less at once")


def limit_of(scope: Scope) -> int | None:
    """Bytes that a request's body may have; None: any number."""
    if not scope["path"].startswith(EVENTS):
        return LIMIT
    return None if media_type(scope) == NDJSON else EVENTS_LIMIT
