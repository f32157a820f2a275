"""A provider over HTTP. Whatever goes wrong on the way is an answer: UNKNOWN."""

import asyncio
from collections.abc import Mapping
from ssl import create_default_context
from typing import Final
from urllib.parse import quote

import httpx
import msgspec

from agents.payments.provider.port import Answer, Operation, Outcome, ProviderMisused
from streams.breaker import Breaker
from streams.codec import encode

TIMEOUT: Final = 10.0
"""Seconds for a whole call, the connection included."""
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
ANSWERS: Final[Mapping[int, Outcome]] = {200: Outcome.DONE, 402: Outcome.REFUSED, 404: Outcome.ABSENT}
"""Statuses with an answer in the body, which says the same."""
UNREADABLE: Final = Answer(Outcome.UNKNOWN, code="unreadable")
BUSY: Final = 429

_decode = msgspec.json.Decoder(Answer).decode


class HttpProvider:
    """See Provider. Connections are kept; while the provider fails too often, calls are answered at once."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT, breaker: Breaker | None = None) -> None:
        """`url` is the service's root; a user and password in it become basic authentication."""
        self._timeout = timeout
        self._breaker = breaker or Breaker()
        # As many connections as there are calls under way: the agent's concurrency is the limit.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        trusted = create_default_context()
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, limits=limits, verify=trusted, trust_env=False)

    async def ask(self, key: str, operation: Operation) -> Answer:
        """As Provider."""
        headers = {IDEMPOTENCY_KEY: key, "Content-Type": "application/json"}
        request = self._client.build_request("POST", "/operations", content=encode(operation), headers=headers)
        return await self._call(request)

    async def look_up(self, key: str) -> Answer:
        """As Provider."""
        return await self._call(self._client.build_request("GET", f"/operations/{quote(key, safe='')}"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(self, request: httpx.Request) -> Answer:
        clock = asyncio.get_running_loop().time
        ticket = self._breaker.admit(clock())
        if ticket is None:
            return Answer(Outcome.UNKNOWN, code="provider_resting")
        try:
            answer = await self._answer(request)
        except ProviderMisused:
            self._breaker.record(ticket, clock(), ok=True)
            raise
        self._breaker.record(ticket, clock(), ok=answer.outcome is not Outcome.UNKNOWN)
        return answer

    async def _answer(self, request: httpx.Request) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.send(request)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(Outcome.UNKNOWN, code="timeout")
        except httpx.TransportError:
            return Answer(Outcome.UNKNOWN, code="unreachable")
        except httpx.DecodingError:
            return UNREADABLE
        return _read(response)


def _read(response: httpx.Response) -> Answer:
    if response.status_code in ANSWERS:
        try:
            answer = _decode(response.content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return UNREADABLE
        return answer if answer.outcome is ANSWERS[response.status_code] else UNREADABLE
    if response.is_client_error and response.status_code != BUSY:
        raise ProviderMisused(f"the payment provider answered {response.status_code}: {response.text[:200]}")
    return Answer(Outcome.UNKNOWN, code="unavailable")
