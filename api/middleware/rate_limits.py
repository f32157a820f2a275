"""How many requests one place may send."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import place_of
from api.correlation import correlation_of
from api.problems import Problem, answer
from api.rates import Rate, Rates

LIMITED: Final = "/api/"
"""Requests under this path."""
TRY_AGAIN_LATER: Final = 1013
"""Code of WebSocket closures (RFC 6455, registered)."""


class RateLimits:
    """Answers 429 where a place has sent more than its rate; a WebSocket is refused."""

    def __init__(self, app: ASGIApp, rates: Rates, rate: Rate) -> None:
        self._app = app
        self._rates = rates
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and scope["path"].startswith(LIMITED):
            try:
                await self._rates.require(self._rate, _place(scope), "too_many_requests")
            except Problem as problem:
                await _refuse(problem, scope, receive, send)
                return
        await self._app(scope, receive, send)


def _place(scope: Scope) -> str:
    return place_of(scope["client"][0]) if scope.get("client") else ""


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": problem.detail})
        return
    await answer(problem, correlation_of(scope).id)(scope, receive, send)
