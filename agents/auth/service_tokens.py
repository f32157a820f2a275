"""Service tokens: by one, a part of a split edge knows that a request came through the gateway."""

from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agents.auth.chance import Chance, random_id
from agents.auth.errors import TokenRefused, WrongCredentials
from agents.auth.keys import Key
from agents.auth.tokens import ALGORITHM

SERVICE_LIFE: Final = 60
"""Seconds for which a service token counts."""
SERVICE_TYPE: Final = "service+jwt"
GATEWAY: Final = "gateway"
"""The only client so far, and so the subject of every service token."""

_CLAIMS: Final = ("iss", "aud", "sub", "iat", "exp", "jti")


def service_token(audience: str, key: Key, *, issuer: str, now: int, chance: Chance) -> str:
    """A token by which the part `audience` knows the gateway; `now` in ms since 1970 UTC."""
    seconds = now // 1000
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": GATEWAY,
        "iat": seconds,
        "exp": seconds + SERVICE_LIFE,
        "jti": str(random_id(chance)),
    }
    return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.id, "typ": SERVICE_TYPE})


def check_service_token(token: str, public: Ed25519PublicKey, *, audience: str, issuer: str, now: int) -> None:
    """Raises TokenRefused where the token is not the gateway's for this part; `now` in ms since 1970 UTC."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            public,
            [ALGORITHM],
            audience=audience,
            issuer=issuer,
            # Times are judged here, by the clock that is passed in.
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
        )
        if int(claims["exp"]) * 1000 <= now or claims["sub"] != GATEWAY:
            raise TokenRefused
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise TokenRefused from error


def check_secret(secret: str, counting: tuple[str, ...]) -> None:
    """Raises WrongCredentials where the secret is none of those that count."""
    shown = sha256(secret.encode()).digest()
    if not any(compare_digest(shown, sha256(one.encode()).digest()) for one in counting):
        raise WrongCredentials("the secret is none of auth's WARREN_SERVICE_SECRETS")
