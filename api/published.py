"""What proves tokens where accounts are in another process: the keys and the ended sessions that it publishes.

While it does not answer, those that were read last go on proving: tokens count until they end.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.auth_service import AuthService
from api.remote_copy import AGAIN, RemoteCopy

JWKS: Final = "/api/auth/jwks.json"
ENDED: Final = "/api/auth/ended-sessions.json"
KEYS_FRESH: Final = 30_000
"""Milliseconds for which the keys that were read count as all there are."""


class _Keys(msgspec.Struct):
    keys: list[dict[str, str]]


class _Ended(msgspec.Struct):
    sessions: list[UUID]


class PublishedKeys:
    """A `Keyring` of JSON Web Keys. For one that is not known it looks once a second at most: anybody can name one."""

    def __init__(self, auth: AuthService, now: Callable[[], int]) -> None:
        """`now` gives ms since 1970 UTC."""
        self._auth = auth
        self._keys = RemoteCopy(self._read, now)

    async def proving(self, id: str) -> Ed25519PublicKey | None:
        """As `Keyring`."""
        keys = await self._keys.get(KEYS_FRESH)
        if id not in keys:
            keys = await self._keys.get(AGAIN)
        return keys.get(id)

    async def _read(self) -> Mapping[str, Ed25519PublicKey]:
        return public_keys((await self._auth.get(JWKS, _Keys)).keys)


class PublishedEndings:
    """`Endings` that are published: seen within about a second."""

    def __init__(self, auth: AuthService, now: Callable[[], int]) -> None:
        """`now` gives ms since 1970 UTC."""
        self._auth = auth
        self._ended = RemoteCopy(self._read, now)

    async def includes(self, id: UUID) -> bool:
        """As `Endings`."""
        return id in await self._ended.get(AGAIN)

    async def _read(self) -> frozenset[UUID]:
        return frozenset((await self._auth.get(ENDED, _Ended)).sessions)


def public_keys(jwks: Iterable[Mapping[str, str]]) -> dict[str, Ed25519PublicKey]:
    """Id -> key, of those that sign by Ed25519 (RFC 8037); others prove nothing here."""
    return {
        jwk["kid"]: Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(jwk["x"] + "="))
        for jwk in jwks
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519"
    }
