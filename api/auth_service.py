"""The part of a split edge that has the accounts, as other parts ask it."""

from typing import Final, TypeVar

import httpx
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from agents.auth.errors import AccountsUnavailable
from api.upstreams import Process, Upstream
from streams.breaker import Ticket

T = TypeVar("T")

log: FilteringBoundLogger = structlog.get_logger("warren.api")

ANSWER_WITHIN: Final = 2.0
"""Seconds that a process of it may take."""


class AuthService:
    """Its processes, one asked after another until one answers."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def get(self, path: str, type: type[T]) -> T:
        """The JSON at this path, as this type. Raises AccountsUnavailable."""
        return await self._ask("GET", path, None, type)

    async def post(self, path: str, body: dict[str, str], type: type[T]) -> T:
        """The JSON that answers this body, as this type. Raises AccountsUnavailable."""
        return await self._ask("POST", path, msgspec.json.encode(body), type)

    async def _ask(self, method: str, path: str, body: bytes | None, type: type[T]) -> T:
        for process, ticket in self._upstream.admitted():
            response = await self._answer(process, ticket, method, path, body)
            if response is not None:
                try:
                    return msgspec.json.decode(response.content, type=type)
                except msgspec.MsgspecError as error:
                    raise AccountsUnavailable(
                        f"{process.url} is no part of accounts ({error}): see who is there"
                    ) from error
        raise AccountsUnavailable("the service of accounts does not answer: try again")

    async def _answer(
        self, process: Process, ticket: Ticket, method: str, path: str, body: bytes | None
    ) -> httpx.Response | None:
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            response = await self._upstream.client.request(
                method, process.url + path, content=body, headers=headers, timeout=ANSWER_WITHIN
            )
        except httpx.TransportError as error:
            self._upstream.record(process, ticket, ok=False)
            log.warning("auth did not answer", url=process.url, path=path, error=type(error).__name__)
            return None
        self._upstream.record(process, ticket, ok=response.status_code < httpx.codes.INTERNAL_SERVER_ERROR)
        if response.is_success:
            return response
        log.warning("auth refused", url=process.url, path=path, status=response.status_code, answer=response.text[:300])
        return None
