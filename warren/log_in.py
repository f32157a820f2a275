"""Somebody's account, as a client of the edge uses it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import httpx

PATH: Final = "/api/auth/login"


class LogIn(httpx.Auth):
    """Logs in where the edge asks who is calling (401), once for all requests that are asked, and again when the token
    has ended; then asks again. Who is not let in gets the 401. Where nobody is asked, nobody logs in."""

    def __init__(self, email: str, password: str) -> None:
        self._body = {"email": email, "password": password}
        self._token: str | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See httpx.Auth."""
        shown = self._show(request)
        answer = yield request
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            return
        async with self._lock:
            if self._token == shown:
                given = yield httpx.Request("POST", request.url.join(PATH), json=self._body)
                await given.aread()
                self._token = given.json()["accessToken"] if given.is_success else None
        if self._show(request) is not None:
            yield request

    def _show(self, request: httpx.Request) -> str | None:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return self._token
