"""Whose pages may open WebSockets: browsers let every page, and say in `Origin` which one it is (RFC 6455, 10.2)."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from api.header import header
from api.socket_guard import FORBIDDEN

ANY: Final = "*"


class Origins:
    """Refuses WebSockets of other origins' pages than those that may call. For requests CORS does that."""

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        """`allowed` beside pages that come from here themselves: scheme://host:port, or "*"."""
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or self._may(header(scope, b"origin"), header(scope, b"host")):
            await self._app(scope, receive, send)
        else:
            # Before it is accepted: the handshake is answered with 403.
            await send(
                {"type": "websocket.close", "code": FORBIDDEN, "reason": "WARREN_CORS_ORIGINS names no such origin"}
            )

    def _may(self, origin: str, host: str) -> bool:
        """Whoever is no browser names no origin."""
        return not origin or ANY in self._allowed or origin in self._allowed or _host_of(origin) == host.lower()


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
