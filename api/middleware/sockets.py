"""What every WebSocket is put into: a correlation id, a log line, a place in the metrics."""

import random
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from api.correlation import REQUEST_ID, correlate
from api.socket_log import Course, SocketLog

RESTART: Final = 1012
"""What the server says for us when it stops (RFC 6455's registry of codes)."""


class Sockets:
    """For WebSockets what `Envelope` is for requests. The id is told in the answer to the handshake."""

    def __init__(self, app: ASGIApp, log: SocketLog, ids: random.Random) -> None:
        """`ids` makes the correlation ids that clients do not bring."""
        self._app = app
        self._log = log
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        correlation = correlate(scope, self._ids)
        course = Course()

        async def sending(message: Message) -> None:
            if message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID.encode(), correlation.id.encode())]
            await send(message)
            self._sent(scope, course, message)

        async def receiving() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect" and course.code is None:
                course.code = message.get("code")
                course.by_client = course.code != RESTART
            return message

        began = time.perf_counter()
        with bound_contextvars(correlation_id=correlation.id):
            try:
                await self._app(scope, receiving, sending)
            finally:
                self._log.ended(scope, course, time.perf_counter() - began)

    def _sent(self, scope: Scope, course: Course, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                course.accepted = True
                self._log.opened()
            case "websocket.send":
                course.said += 1
                self._log.told(scope)
            case "websocket.close" if course.code is None:
                course.code = message.get("code", 1000)
