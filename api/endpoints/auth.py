"""Coming and going: accounts, logins, tokens, and the keys that prove them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from agents.auth.roles import Role
from agents.auth.users import NewUser
from api.account_bodies import Credentials, PublicKeys, Refresh, Registration, Tokens, UserBody
from api.caller import GivenCaller
from api.dependencies import GivenCorrelation, GivenEdge
from api.guesses import Guesses, address_of
from api.media import require_json
from api.openapi import problems, problems_of_body

router = APIRouter(prefix="/api/auth", tags=["auth"])

_JSON = [Depends(require_json)]


async def guesses_of(request: Request) -> Guesses:
    """The app's count of tries."""
    guesses: Guesses = request.app.state.guesses
    return guesses


GivenGuesses = Annotated[Guesses, Depends(guesses_of)]


@router.post("/register", status_code=201, responses=problems_of_body(409, 503), dependencies=_JSON)
async def register(body: Registration, edge: GivenEdge, correlation: GivenCorrelation) -> UserBody:
    """Make an account, with the role of a customer."""
    new = NewUser(body.email, body.password.get_secret_value(), body.profile_record(), [Role.CUSTOMER])
    return UserBody.of(await edge.accounts().register(new, correlation.id))


@router.post("/login", responses=problems_of_body(401, 429, 503), dependencies=_JSON)
async def login(body: Credentials, request: Request, edge: GivenEdge, guesses: GivenGuesses) -> Tokens:
    """Begin a session. Which of e-mail address and password is wrong, nobody is told."""
    accounts = edge.accounts()
    await guesses.count(request, body.email)
    pair = await accounts.login(body.email, body.password.get_secret_value())
    await guesses.forget(request, body.email)
    return Tokens.of(pair)


@router.post("/refresh", responses=problems_of_body(401, 503), dependencies=_JSON)
async def refresh(body: Refresh, request: Request, edge: GivenEdge, correlation: GivenCorrelation) -> Tokens:
    """Spend a refresh token for new tokens. One that comes a second time ends its session, for whoever has it."""
    token = body.refresh_token.get_secret_value()
    return Tokens.of(await edge.accounts().refresh(token, address_of(request), correlation.id))


@router.post("/logout", status_code=204, responses=problems(401, 503))
async def logout(caller: GivenCaller, edge: GivenEdge) -> None:
    """End this session: its access tokens and its refresh token count no more."""
    await edge.accounts().logout(caller)


@router.post("/logout-all", status_code=204, responses=problems(401, 503))
async def logout_all(caller: GivenCaller, edge: GivenEdge) -> None:
    """End all sessions of the caller."""
    await edge.accounts().logout_all(caller)


@router.get("/jwks.json", responses=problems(503))
async def public_keys(edge: GivenEdge, response: Response) -> PublicKeys:
    """The keys that prove access tokens."""
    keys = await edge.accounts().keys.public()
    response.headers["Cache-Control"] = "public, max-age=60"
    return PublicKeys(keys=keys)
