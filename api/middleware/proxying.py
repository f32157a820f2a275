"""Hands requests on to the processes that serve their part of the edge, where it is split."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from agents.auth.errors import AccountError
from api.account_faults import problem_of
from api.correlation import correlation_of
from api.forwarding import FOR_ONE_CONNECTION, Headers, forwarded, target, without
from api.middleware.socket_proxying import hand_on_socket
from api.problems import Problem, answer
from api.service_passes import PATH, ServicePasses
from api.upstreams import REST, Upstream

log: FilteringBoundLogger = structlog.get_logger("warren.api")

_GIVEN_BACK_NOT: Final = FOR_ONE_CONNECTION | {b"date", b"server"}
_FAILED: Final = {502, 503, 504}
_DOTS: Final = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class HandedOn:
    """Stands for the route in log lines and metrics: which one takes the request is known behind the gateway."""

    path: str


class Proxying:
    """Requests under a prefix go to its upstream, everything else to the application."""

    def __init__(self, app: ASGIApp, upstreams: Mapping[str, Upstream], passes: ServicePasses | None = None) -> None:
        """`passes` are what upstreams know the gateway by, where they ask for it."""
        self._app = app
        self._upstreams = upstreams
        self._routes = {prefix: HandedOn(f"{prefix}/*") for prefix in upstreams}
        self._passes = passes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = self._prefix(scope["path"]) if scope["type"] in {"http", "websocket"} else None
        if prefix is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._routes[prefix]
        upstream = self._upstreams[prefix]
        if scope["type"] == "websocket":
            await hand_on_socket(upstream, self._passes, scope, receive, send)
        else:
            await self._request(upstream, scope, receive, send)

    async def _request(self, upstream: Upstream, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == PATH:
                raise Problem(404, "not_found", "service tokens are given past the gateway alone")
            headers = await forwarded(scope, upstream.service, self._passes)
            await _hand_on(upstream, headers, scope, receive, send)
        except AccountError as error:
            await answer(problem_of(error), correlation_of(scope).id)(scope, receive, send)
        except Problem as problem:
            await answer(problem, correlation_of(scope).id)(scope, receive, send)

    def _prefix(self, path: str) -> str | None:
        # On the way they would be resolved (RFC 3986, 6.2.2.3), to what nobody has looked at here.
        if "/." in path and not _DOTS.isdisjoint(path.split("/")):
            return None
        for prefix in self._upstreams:
            if path == prefix or path.startswith(f"{prefix}/"):
                return prefix
        return None


async def _hand_on(upstream: Upstream, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask one process after another, as long as nothing of the request was sent."""
    body = _Body(Request(scope, receive).stream())
    for process, ticket in upstream.admitted():
        request = upstream.client.build_request(
            scope["method"],
            target(process.url, scope),
            headers=headers,
            content=body if _has_body(scope) else None,
        )
        try:
            response = await upstream.client.send(request, stream=True)
        except httpx.TransportError as error:
            upstream.record(process, ticket, ok=False)
            log.warning("upstream failed", service=upstream.service, url=process.url, error=type(error).__name__)
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and not body.begun:
                continue
            raise _unavailable(upstream, "has not answered", 1) from error
        upstream.record(process, ticket, ok=response.status_code not in _FAILED)
        await _give_back(response, send)
        return
    raise _unavailable(upstream, "rests, or cannot be reached", int(REST))


class _Body:
    """A request's body as it comes. Problems of its own (too large, too slow) pass through."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        async for chunk in self._chunks:
            if chunk:
                yield chunk


async def _give_back(response: httpx.Response, send: Send) -> None:
    headers = without(response.headers.raw, _GIVEN_BACK_NOT)
    try:
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async for chunk in response.aiter_raw():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        await response.aclose()


def _has_body(scope: Scope) -> bool:
    names = {name.lower() for name, _ in scope["headers"]}
    return bool({b"content-length", b"transfer-encoding"} & names)


def _unavailable(upstream: Upstream, what: str, seconds: int) -> Problem:
    detail = (
        f"the service {upstream.service!r} {what}: send it again later, with the same id or key, and it counts once"
    )
    return Problem(503, "upstream_unavailable", detail, headers={"Retry-After": str(seconds)})
