"""Tokens: access tokens are signed JSON Web Tokens (RFC 9068), refresh tokens are 256 bits of chance."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agents.auth.chance import Chance, random_id
from agents.auth.errors import TokenRefused
from agents.auth.keys import Key
from agents.auth.roles import scopes_of

ACCESS_LIFE: Final = 600
"""Seconds for which an access token counts."""
ALGORITHM: Final = "EdDSA"
AUDIENCE: Final = "warren"
TYPE: Final = "at+jwt"

_CLAIMS: Final = ("iss", "aud", "sub", "sid", "roles", "iat", "exp", "jti")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, as an access token says it."""

    user_id: UUID
    session_id: UUID
    roles: tuple[str, ...]

    @property
    def scopes(self) -> frozenset[str]:
        """What their roles let them do beyond what everybody may."""
        return scopes_of(self.roles)


@dataclass(frozen=True, slots=True)
class Proven:
    """What an access token says, once its signature is proven by the key of this id."""

    caller: Caller
    key_id: str
    expires: int
    """Milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a login gives. `expires_in` are the seconds for which the access token counts."""

    access_token: str
    refresh_token: str
    expires_in: int


def access_token(caller: Caller, key: Key, *, issuer: str, now: int, chance: Chance) -> str:
    """The access token of a caller; `now` in ms since 1970 UTC."""
    seconds = now // 1000
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(caller.user_id),
        "sid": str(caller.session_id),
        "roles": list(caller.roles),
        "iat": seconds,
        "exp": seconds + ACCESS_LIFE,
        "jti": str(random_id(chance)),
    }
    return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.id, "typ": TYPE})


def key_id(token: str, type: str) -> str:
    """The id of the key that is to prove a token of this type. Raises TokenRefused where it is none of ours."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenRefused from error
    id = header.get("kid")
    if header.get("alg") != ALGORITHM or header.get("typ") != type or not isinstance(id, str):
        raise TokenRefused
    return id


def proven(token: str, id: str, public: Ed25519PublicKey, *, issuer: str) -> Proven:
    """What an access token says, by the key of this id; whether it has ended is for others. Raises TokenRefused."""
    try:
        claims = jwt.decode(
            token,
            public,
            [ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer,
            # Times are judged by the clock that services are given.
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
        )
        return Proven(_caller(claims), id, int(claims["exp"]) * 1000)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise TokenRefused from error


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(UUID(claims["sub"]), UUID(claims["sid"]), tuple(str(role) for role in claims["roles"]))


def refresh_token(chance: Chance) -> str:
    """A new refresh token."""
    return base64.urlsafe_b64encode(chance.randbytes(32)).rstrip(b"=").decode()


def hash_of(token: str) -> bytes:
    """What is kept of a refresh token. It is too random to be guessed, so that a fast hash does."""
    return hashlib.sha256(token.encode()).digest()
