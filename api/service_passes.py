"""The service tokens that the gateway shows to the parts behind it."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from agents.auth.service_tokens import SERVICE_LIFE
from api.auth_service import AuthService
from api.remote_copy import RemoteCopy

SERVICE_TOKEN: Final = "x-service-token"
"""The header that they come in."""
PATH: Final = "/api/auth/service-token"
RENEWED: Final = SERVICE_LIFE * 1000 // 2
"""Milliseconds after which the next one is asked for."""
SHOWN: Final = (SERVICE_LIFE - 5) * 1000
"""Milliseconds for which one is shown, where the next one does not come: no part shall find it ended."""


class _Answer(msgspec.Struct, rename="camel"):
    service_token: str


class ServicePasses:
    """One token for each part, each used until it is half over."""

    def __init__(self, auth: AuthService, secret: str, now: Callable[[], int]) -> None:
        """`secret` is one of auth's WARREN_SERVICE_SECRETS; `now` gives ms since 1970 UTC."""
        self._auth = auth
        self._secret = secret
        self._now = now
        self._tokens: dict[str, RemoteCopy[str]] = {}

    async def token(self, part: str) -> str:
        """The token for a part. Raises AccountsUnavailable."""
        if part not in self._tokens:
            self._tokens[part] = RemoteCopy(partial(self._read, part), self._now, counts=SHOWN)
        return await self._tokens[part].get(RENEWED)

    async def _read(self, part: str) -> str:
        answer = await self._auth.post(PATH, {"secret": self._secret, "part": part}, _Answer)
        return answer.service_token
