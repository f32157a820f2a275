"""The answer to what nobody expected: 500, nothing of ours in it, and the whole of it in the log."""

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from api.correlation import correlation_of
from api.middleware.envelope import ANSWERED
from api.problems import Problem, answer

log: FilteringBoundLogger = structlog.get_logger("warren.api")


class Failures:
    """Answers with a problem; where the answer had begun already, it is broken off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            log.info("client went away")
        except Exception:
            log.exception("request failed")
            if ANSWERED in scope["state"]:
                raise
            await _internal(scope)(scope, receive, send)


def _internal(scope: Scope) -> ASGIApp:
    detail = "this is a fault of the server: tell its operator the correlation id"
    return answer(Problem(500, "internal_error", detail), correlation_of(scope).id)
