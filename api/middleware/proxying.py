"""Hands requests on to the processes that serve their part of the edge, where it is split."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

import httpx
import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.correlation import REQUEST_ID, correlation_of
from api.problems import Problem, answer
from api.upstreams import REST, Upstream

log: structlog.stdlib.BoundLogger = structlog.get_logger("warren.api")

HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
"""Headers that mean one connection (RFC 9110, 7.6.1)."""
_REPLACED: Final = HOP_BY_HOP | {b"host", b"x-forwarded-for", b"x-forwarded-host", REQUEST_ID.encode()}
_GIVEN_BACK_NOT: Final = HOP_BY_HOP | {b"date", b"server"}
_FAILED: Final = {502, 503, 504}


class Proxying:
    """Requests under a prefix go to its upstream, everything else to the application."""

    def __init__(self, app: ASGIApp, upstreams: Mapping[str, Upstream]) -> None:
        self._app = app
        self._upstreams = upstreams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        upstream = self._upstream(scope["path"]) if scope["type"] == "http" else None
        if upstream is None:
            await self._app(scope, receive, send)
            return
        try:
            await _hand_on(upstream, scope, receive, send)
        except Problem as problem:
            await answer(problem, correlation_of(scope).id)(scope, receive, send)

    def _upstream(self, path: str) -> Upstream | None:
        for prefix, upstream in self._upstreams.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return upstream
        return None


async def _hand_on(upstream: Upstream, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask one process after another, as long as nothing of the request was sent."""
    body = _Body(Request(scope, receive).stream())
    for process, ticket in upstream.admitted():
        request = upstream.client.build_request(
            scope["method"],
            _url(process.url, scope),
            headers=_headers(scope),
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
    headers = _without(response.headers.raw, _GIVEN_BACK_NOT)
    try:
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async for chunk in response.aiter_raw():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        await response.aclose()


def _url(base: str, scope: Scope) -> str:
    query = scope["query_string"].decode("ascii")
    path = scope.get("raw_path", scope["path"].encode()).decode("ascii")
    return f"{base}{path}{f'?{query}' if query else ''}"


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The client's, with its token; its address and the request's id are what was found here."""
    kept = _without(scope["headers"], _REPLACED)
    client = scope["client"][0].encode() if scope.get("client") else b""
    return [*kept, (b"x-forwarded-for", client), (REQUEST_ID.encode(), correlation_of(scope).id.encode())]


def _without(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower() not in names]


def _has_body(scope: Scope) -> bool:
    names = {name.lower() for name, _ in scope["headers"]}
    return bool({b"content-length", b"transfer-encoding"} & names)


def _unavailable(upstream: Upstream, what: str, seconds: int) -> Problem:
    detail = (
        f"the service {upstream.service!r} {what}: send it again later, with the same id or key, and it counts once"
    )
    return Problem(503, "upstream_unavailable", detail, headers={"Retry-After": str(seconds)})
