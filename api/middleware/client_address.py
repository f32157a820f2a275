"""Behind proxies of our own, the client is not who has connected."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import Network, client_of


class ClientAddress:
    """Puts the client's address in the place of the last proxy's, for all that comes after."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        """`trusted` are the networks of our own proxies; without any, `X-Forwarded-For` means nothing."""
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._trusted and scope.get("client"):
            host, port = scope["client"]
            said = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            hops = ",".join(said).split(",")
            client = client_of(host, [hop for hop in hops if hop.strip()], self._trusted)
            scope["client"] = (client, port if client == host else 0)
        await self._app(scope, receive, send)
