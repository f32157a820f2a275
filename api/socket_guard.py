"""Who is at the other end of a WebSocket, and whether their token still counts."""

from typing import Final, NamedTuple

from starlette.websockets import WebSocket

from agents.auth.errors import AccountError, TokenRefused
from api.edge import Edge
from api.problems import Problem

PROTOCOL: Final = "warren"
"""The subprotocol that is spoken; browsers offer it beside BEARER and their token, as they cannot send headers."""
BEARER: Final = "bearer."
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
TRY_AGAIN_LATER: Final = 1013


class Refusal(NamedTuple):
    """Why a WebSocket is closed: a code for programs, a reason for people."""

    code: int
    reason: str


class SocketGuard:
    """Lets those through who have a scope, for as long as their access token counts. Everybody, where nobody is asked
    (WARREN_AUTH=off)."""

    def __init__(self, edge: Edge, websocket: WebSocket, scope: str) -> None:
        self._edge = edge
        self._scope = scope
        self._token = _token(websocket)

    async def refusal(self) -> Refusal | None:
        """Why they may not listen, or not any longer; None: they may."""
        if not self._edge.auth_required:
            return None
        if self._token is None:
            return Refusal(UNAUTHORIZED, "send an access token: Authorization, or the subprotocol bearer.TOKEN")
        try:
            caller = await self._edge.callers().caller(self._token)
        except TokenRefused:
            return Refusal(UNAUTHORIZED, "the access token does not count, or not any more")
        except (AccountError, Problem):
            return Refusal(TRY_AGAIN_LATER, "tokens cannot be checked now")
        if self._scope not in caller.scopes:
            return Refusal(FORBIDDEN, f"none of your roles has the scope {self._scope}")
        return None


def protocol_of(websocket: WebSocket) -> str | None:
    """The subprotocol to accept with: ours where it was offered."""
    return PROTOCOL if PROTOCOL in websocket.scope["subprotocols"] else None


def _token(websocket: WebSocket) -> str | None:
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    offered = (name for name in websocket.scope["subprotocols"] if name.startswith(BEARER))
    return next((name.removeprefix(BEARER) for name in offered), None)
