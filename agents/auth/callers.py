"""Who is calling, as tokens say it, proven by the keys of accounts: in their database, or as they are published."""

from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agents.auth.errors import TokenRefused
from agents.auth.service_tokens import SERVICE_TYPE, check_service_token
from agents.auth.tokens import TYPE, Caller, Proven, key_id, proven

REMEMBERED: Final = 10_000
"""Access tokens whose signatures need not be proven again: that takes longer than the rest of a request."""


class Keyring(Protocol):
    """The keys that prove tokens."""

    async def proving(self, id: str) -> Ed25519PublicKey | None:
        """The key of this id, None where there is none that counts. Raises AccountsUnavailable."""


class Endings(Protocol):
    """Sessions that have ended before their tokens did."""

    async def includes(self, id: UUID) -> bool:
        """Whether a session has ended. Raises AccountsUnavailable."""


class Callers:
    """Judges tokens."""

    def __init__(self, keys: Keyring, ended: Endings, *, now: Callable[[], int], issuer: str) -> None:
        """`now` gives ms since 1970 UTC; only tokens of this issuer count."""
        self._keys = keys
        self._ended = ended
        self._now = now
        self._issuer = issuer
        self._said: dict[str, Proven] = {}

    async def caller(self, token: str) -> Caller:
        """Who an access token is for. Raises TokenRefused, AccountsUnavailable."""
        said = self._said.get(token)
        if said is None:
            id = key_id(token, TYPE)
            said = proven(token, id, await self._proving(id), issuer=self._issuer)
            self._remember(token, said)
        else:
            await self._proving(said.key_id)
        if said.expires <= self._now() or await self._ended.includes(said.caller.session_id):
            raise TokenRefused
        return said.caller

    def _remember(self, token: str, said: Proven) -> None:
        """What a token says never changes; whether its key counts, its time and its session are looked at each time."""
        if len(self._said) >= REMEMBERED:
            del self._said[next(iter(self._said))]
        self._said[token] = said

    async def check_service(self, token: str, part: str) -> None:
        """Whether a request came to this part through the gateway. Raises TokenRefused, AccountsUnavailable."""
        public = await self._proving(key_id(token, SERVICE_TYPE))
        check_service_token(token, public, audience=part, issuer=self._issuer, now=self._now())

    async def _proving(self, id: str) -> Ed25519PublicKey:
        public = await self._keys.proving(id)
        if public is None:
            raise TokenRefused
        return public
