"""What every request and its answer are put into: a correlation id, a log line, a place in the metrics, headers."""

import random
import time
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from api.access_log import NO_ANSWER, AccessLog
from api.correlation import REQUEST_ID, correlate
from api.security_headers import Header, security_headers

ANSWERED: Final = "answered"
"""In the request's state: the status, once the answer has begun."""
_REQUEST_ID: Final = REQUEST_ID.encode()


class Envelope:
    """Outside of everything that may fail, so that a failure too has its id, and its line in the log.

    One layer, because each that looks at the answer costs every request some microseconds.
    """

    def __init__(self, app: ASGIApp, log: AccessLog, ids: random.Random) -> None:
        """`ids` makes the correlation ids that clients do not bring."""
        self._app = app
        self._log = log
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation = correlate(scope, self._ids)
        state = scope["state"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                state[ANSWERED] = message["status"]
                named = (_REQUEST_ID, correlation.id.encode())
                message["headers"] = _addressed(message.get("headers", ()), named, security_headers(scope))
            await send(message)

        began = time.perf_counter()
        bound = bind_contextvars(correlation_id=correlation.id)
        try:
            await self._app(scope, receive, sending)
        finally:
            self._log.note(scope, state.get(ANSWERED, NO_ANSWER), time.perf_counter() - began)
            reset_contextvars(**bound)


def _addressed(own: Iterable[Header], named: Header, added: Iterable[Header]) -> list[Header]:
    """The answer's own headers under the request's id, and those of the added that it does not set itself."""
    headers = [header for header in own if header[0] != _REQUEST_ID]
    names = {name for name, _ in headers}
    return [*headers, named, *(header for header in added if header[0] not in names)]
