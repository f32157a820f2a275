"""A part of a split edge serves those alone who come through the gateway."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.auth.callers import Callers
from agents.auth.errors import AccountError, TokenRefused
from api import published, service_passes
from api.account_faults import problem_of
from api.correlation import correlation_of
from api.problems import Problem, answer
from api.socket_guard import TRY_AGAIN_LATER, UNAUTHORIZED

GUARDED: Final = "/api/"
OPEN: Final = frozenset({published.JWKS, published.ENDED, service_passes.PATH})
"""What parts and the gateway ask of auth, before there is any service token."""


class ServiceGuard:
    """Refuses requests without the gateway's service token for this part. What operators ask stays open.

    Where the gateway says that a request comes from, is where it comes from.
    """

    def __init__(self, app: ASGIApp, callers: Callers, part: str) -> None:
        self._app = app
        self._callers = callers
        self._part = part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = await self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            code = TRY_AGAIN_LATER if problem.status_code == 503 else UNAUTHORIZED
            await send({"type": "websocket.close", "code": code, "reason": problem.code})
        else:
            await answer(problem, correlation_of(scope).id)(scope, receive, send)

    async def _problem(self, scope: Scope) -> Problem | None:
        if scope["type"] not in {"http", "websocket"} or not scope["path"].startswith(GUARDED):
            return None
        if scope["path"] in OPEN:
            return None
        token = Headers(scope=scope).get(service_passes.SERVICE_TOKEN)
        if token is None:
            return _refused("this is a part behind the gateway: ask the gateway")
        try:
            await self._callers.check_service(token, self._part)
        except TokenRefused:
            return _refused("the service token does not count: it lasts a minute, for one part")
        except AccountError as error:
            return problem_of(error)
        scope["client"] = (Headers(scope=scope).get("x-forwarded-for", ""), 0)
        return None


def _refused(detail: str) -> Problem:
    return Problem(401, "service_token_required", detail, headers={"WWW-Authenticate": "Service"})
