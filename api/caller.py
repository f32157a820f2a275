"""Who is calling. An endpoint that needs to know takes a `GivenCaller`; one for some alone has `allowed(scope)`."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, params
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agents.auth.tokens import Caller
from api.dependencies import GivenEdge
from api.edge import Edge
from api.header import header
from api.problems import Problem

_bearer = HTTPBearer(auto_error=False, description="`accessToken` of /api/auth/login")

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _caller(edge: GivenEdge, bearer: Bearer) -> Caller:
    return await _authenticated(edge, bearer.credentials if bearer else None)


async def _whoever(edge: GivenEdge, bearer: Bearer) -> Caller | None:
    return await _authenticated(edge, bearer.credentials if bearer else None) if edge.auth_required else None


GivenCaller = Annotated[Caller, Depends(_caller)]
"""Whose access token came with the request. Raises Problem (401)."""
Whoever = Annotated[Caller | None, Depends(_whoever)]
"""The same where the settings ask for it (WARREN_AUTH=required); None where they leave the endpoint open."""


def allowed(scope: str) -> params.Depends:
    """A dependency of endpoints for callers with this scope. Raises Problem (401, 403)."""

    async def check(caller: GivenCaller) -> None:
        _require(caller, scope)

    dependency: params.Depends = Depends(check)
    return dependency


def guarded(scope: str) -> params.Depends:
    """The same where the settings ask for it (WARREN_AUTH=required)."""

    async def check(request: Request, documented: Bearer = None) -> None:
        edge: Edge = request.app.state.edge
        if edge.auth_required:
            _require(await _authenticated(edge, token_of(request)), scope)

    dependency: params.Depends = Depends(check)
    return dependency


def may(caller: Caller | None, scope: str) -> bool:
    """Whether the caller has the scope, or the endpoint is open."""
    return caller is None or scope in caller.scopes


def own(caller: Caller | None, wanted: UUID | None, scope: str) -> UUID | None:
    """The user whose things are asked for, None for everybody's. Raises Problem (403) where they are somebody else's
    and the caller does not have the scope that lets them."""
    if caller is None or scope in caller.scopes:
        return wanted
    if wanted is not None and wanted != caller.user_id:
        raise Problem(403, "not_your_own", f"{wanted} is another user, and none of your roles has the scope {scope}")
    return caller.user_id


def token_of(request: Request) -> str | None:
    """The access token that came with the request, as yet unproven."""
    scheme, _, token = header(request.scope, b"authorization").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _authenticated(edge: Edge, token: str | None) -> Caller:
    if token is None:
        detail = "send a header Authorization: Bearer …, with the accessToken of /api/auth/login"
        raise Problem(401, "token_required", detail, headers={"WWW-Authenticate": "Bearer"})
    return await edge.callers().caller(token)


def _require(caller: Caller, scope: str) -> None:
    if scope not in caller.scopes:
        raise Problem(403, "forbidden", f"none of your roles has the scope {scope}: ask an administrator for one")
