"""Users: themselves, and for administrators all of them."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from agents.auth.models import User
from api.account_bodies import PasswordChange, Preferences, ProfileChange, Roles, UserBody
from api.bodies import Page
from api.caller import GivenCaller, allowed
from api.dependencies import GivenCorrelation, GivenEdge, Limit
from api.endpoints.auth import GivenGuesses
from api.media import require_json
from api.openapi import problems, problems_of_body
from api.problems import Problem

router = APIRouter(prefix="/api/users", tags=["users"])

IfMatch = Annotated[str | None, Header(description="`ETag` of the user as they were read: else 412.")]

_JSON = [Depends(require_json)]
_ETAG = {"headers": {"ETag": {"schema": {"type": "string"}, "description": "For `If-Match`."}}}
_VERSION = re.compile(r'"(\d{1,18})"')


@router.get("/me", responses={200: _ETAG, **problems(401, 404, 503)})
async def get_me(caller: GivenCaller, edge: GivenEdge, response: Response) -> UserBody:
    """Who you are."""
    return _answer(await edge.accounts().user(caller.user_id), response)


@router.patch("/me", responses={200: _ETAG, **problems_of_body(401, 404, 412, 503)}, dependencies=_JSON)
async def change_me(
    body: ProfileChange,
    caller: GivenCaller,
    edge: GivenEdge,
    correlation: GivenCorrelation,
    response: Response,
    if_match: IfMatch = None,
) -> UserBody:
    """Change parts of your profile."""
    changes = body.profile.model_dump(include=body.profile.model_fields_set)
    user = await edge.accounts().change_profile(caller.user_id, changes, _version(if_match), correlation.id)
    return _answer(user, response)


@router.put("/me/password", responses={200: _ETAG, **problems_of_body(401, 403, 404, 429, 503)}, dependencies=_JSON)
async def change_password(
    body: PasswordChange,
    caller: GivenCaller,
    edge: GivenEdge,
    guesses: GivenGuesses,
    correlation: GivenCorrelation,
    request: Request,
    response: Response,
) -> UserBody:
    """Change your password. It ends all your sessions, this one too: log in again."""
    accounts, account = edge.accounts(), str(caller.user_id)
    await guesses.count(request, account)
    current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    user = await accounts.change_password(caller.user_id, current, new, correlation.id)
    await guesses.forget(request, account)
    return _answer(user, response)


@router.put(
    "/me/notification-preferences",
    responses={200: _ETAG, **problems_of_body(401, 404, 412, 503)},
    dependencies=_JSON,
)
async def change_preferences(
    body: Preferences,
    caller: GivenCaller,
    edge: GivenEdge,
    correlation: GivenCorrelation,
    response: Response,
    if_match: IfMatch = None,
) -> Preferences:
    """Choose by which ways you are told things."""
    version = _version(if_match)
    user = await edge.accounts().change_channels(caller.user_id, body.record(), version, correlation.id)
    response.headers["ETag"] = _etag(user)
    return body


@router.get("", responses=problems(401, 403, 422, 503), dependencies=[allowed("users:admin")])
async def list_users(
    edge: GivenEdge,
    email: Annotated[str | None, Query(max_length=254)] = None,
    cursor: Annotated[UUID | None, Query(description="`nextCursor` of the page before.")] = None,
    limit: Limit = 100,
) -> Page[UserBody]:
    """Users by id, or the one with an e-mail address."""
    users = await edge.accounts().users(cursor, limit, email)
    more = str(users[limit - 1].id) if len(users) > limit else None
    return Page(items=[UserBody.of(user) for user in users[:limit]], next_cursor=more)


@router.put(
    "/{id}/roles",
    responses=problems_of_body(401, 403, 404, 503),
    dependencies=[*_JSON, allowed("users:admin")],
)
async def change_roles(id: UUID, body: Roles, edge: GivenEdge, correlation: GivenCorrelation) -> UserBody:
    """Give a user these roles and no others. Access tokens bear the old ones for ten minutes at most."""
    return UserBody.of(await edge.accounts().change_roles(id, body.roles, correlation.id))


def _answer(user: User, response: Response) -> UserBody:
    response.headers["ETag"] = _etag(user)
    return UserBody.of(user)


def _etag(user: User) -> str:
    return f'"{user.version}"'


def _version(if_match: str | None) -> int | None:
    """The version that the client has read; None where any will do. Raises Problem (412) for what was never an ETag."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise Problem(412, "stale", f"If-Match {if_match!r} is none of our ETags: read the user again")
    return int(found[1])
