"""The keys that access tokens are signed with: Ed25519, in the database, so that every process has the same.

A new key signs from then on. The old one is retired: it still proves what it signed, until nothing of that can count
any more. So nobody is logged out by it.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from agents.auth.chance import Chance
from agents.auth.database import Database
from agents.auth.models import SigningKey
from agents.auth.reading import Reading

FRESH: Final = 30_000
"""Milliseconds for which the keys that were read count as all there are."""
AGAIN: Final = 1_000
"""Milliseconds between two looks for a key that is not known: anybody can name one."""
KEPT: Final = 3_600_000
"""Milliseconds for which a retired key still proves: longer than an access token lives and than keys are fresh."""


@dataclass(frozen=True)
class Key:
    """One key. `id` is the thumbprint of its public part (RFC 7638)."""

    id: str
    private: Ed25519PrivateKey
    signs: bool

    @cached_property
    def public(self) -> Ed25519PublicKey:
        """What proves its signatures; every request asks for it."""
        return self.private.public_key()

    @property
    def jwk(self) -> dict[str, str]:
        """The public part as a JSON Web Key (RFC 8037)."""
        return {**_public_parameters(self.public), "kid": self.id, "use": "sig", "alg": "EdDSA"}


class Keys:
    """All keys that count now."""

    def __init__(self, database: Database, now: Callable[[], int], chance: Chance) -> None:
        """`now` gives ms since 1970 UTC."""
        self._database = database
        self._now = now
        self._chance = chance
        self._keys: dict[str, Key] = {}
        self._read_at: int | None = None
        self._rotations = 0
        self._reading = Reading(self._read)

    async def signing(self) -> Key:
        """The key to sign with; the first is made when it is asked for."""
        await self._ensure(FRESH)
        for key in self._keys.values():
            if key.signs:
                return key
        await self.rotate()
        return await self.signing()

    async def proving(self, id: str) -> Ed25519PublicKey | None:
        """The key of this id, None where there is none that counts."""
        await self._ensure(FRESH)
        if id not in self._keys:
            await self._ensure(AGAIN)
        key = self._keys.get(id)
        return key.public if key else None

    async def public(self) -> list[dict[str, str]]:
        """Every key that counts, as JSON Web Keys."""
        await self.signing()
        return [key.jwk for key in self._keys.values()]

    async def rotate(self, *, leaked: bool = False) -> str:
        """Make a new key, which signs from now on, and retire the others. Returns its id. `leaked`: the others prove
        nothing any more, here at once, elsewhere within FRESH; whose token they have signed refreshes it."""
        private, now = Ed25519PrivateKey.from_private_bytes(self._chance.randbytes(32)), self._now()
        id = _thumbprint(private)
        async with self._database.transaction() as session:
            retired = update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=now)
            await session.execute(retired)
            done = SigningKey.retired_at.is_not(None) if leaked else SigningKey.retired_at < now - KEPT
            await session.execute(delete(SigningKey).where(done))
            session.add(SigningKey(id=id, private=private.private_bytes_raw(), created_at=now, retired_at=None))
        self._read_at = None
        self._rotations += 1
        self._reading.outdated()
        return id

    async def _ensure(self, fresh: int) -> None:
        seen = -1
        while not self._are(fresh) and seen != self._rotations:  # they were rotated while they were read
            seen = self._rotations
            await self._reading.done()

    async def _read(self) -> None:
        now, rotations = self._now(), self._rotations
        async with self._database.transaction() as session:
            keys = await _all(session, now)
        if rotations == self._rotations:
            self._keys, self._read_at = keys, now

    def _are(self, fresh: int) -> bool:
        return self._read_at is not None and 0 <= self._now() - self._read_at < fresh


async def _all(session: AsyncSession, now: int) -> dict[str, Key]:
    """Every key that counts, the newest first."""
    counting = or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > now - KEPT)
    rows = await session.scalars(
        select(SigningKey).where(counting).order_by(SigningKey.created_at.desc(), SigningKey.id)
    )
    return {
        row.id: Key(row.id, Ed25519PrivateKey.from_private_bytes(row.private), row.retired_at is None) for row in rows
    }


def _public_parameters(public: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64(public.public_bytes_raw())}


def _thumbprint(private: Ed25519PrivateKey) -> str:
    parameters = orjson.dumps(_public_parameters(private.public_key()), option=orjson.OPT_SORT_KEYS)
    return _base64(hashlib.sha256(parameters).digest())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
