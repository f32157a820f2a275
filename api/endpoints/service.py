"""What the processes of a split edge ask of auth, before they can prove anything."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from agents.auth.service_tokens import SERVICE_LIFE
from api.account_bodies import Secret
from api.bodies import Body
from api.dependencies import GivenEdge
from api.endpoints.auth import GivenGuesses
from api.media import require_json
from api.openapi import problems, problems_of_body

router = APIRouter(prefix="/api/auth", tags=["auth"])


class ServiceTokenRequest(Body):
    """The gateway's secret, and the part of the edge that it is going to ask."""

    secret: Secret
    part: Literal["auth", "orders", "analytics"]


class ServiceToken(Body):
    """What the gateway shows to the part, in the header `X-Service-Token`."""

    service_token: str
    expires_in: int = SERVICE_LIFE
    """Seconds."""


class EndedSessions(Body):
    """Ids of sessions that have ended while access tokens of theirs may be about; nothing can be done with them."""

    sessions: list[UUID]


@router.post("/service-token", responses=problems_of_body(401, 429, 503), dependencies=[Depends(require_json)])
async def make_service_token(
    body: ServiceTokenRequest, request: Request, edge: GivenEdge, guesses: GivenGuesses
) -> ServiceToken:
    """By the gateway's secret (`WARREN_SERVICE_SECRETS`), a token for one part of a split edge, for 60 seconds."""
    await guesses.count(request, "service")
    token = await edge.accounts().service_token(body.secret.get_secret_value(), body.part)
    await guesses.forget(request, "service")
    return ServiceToken(service_token=token)


@router.get("/ended-sessions.json", responses=problems(503))
async def ended_sessions(edge: GivenEdge, response: Response) -> EndedSessions:
    """The sessions whose access tokens count no more, though they have not expired: a list of revocations."""
    sessions = await edge.accounts().ended_sessions()
    response.headers["Cache-Control"] = "public, max-age=1"
    return EndedSessions(sessions=sessions)
