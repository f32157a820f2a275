"""Headers that tell browsers to trust an answer no further than needed."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_EVERYWHERE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

_BY_TLS: Final = (*_EVERYWHERE, (b"strict-transport-security", b"max-age=31536000"))
"""By plain HTTP browsers ignore that header (RFC 6797, 8.1)."""


class SecurityHeaders:
    """Adds them where the answer does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        added = _BY_TLS if scope.get("scheme") == "https" else _EVERYWHERE

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                names = {name for name, _ in own}
                message["headers"] = [*own, *(header for header in added if header[0] not in names)]
            await send(message)

        await self._app(scope, receive, sending)
