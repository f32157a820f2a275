"""SMS and push messages: a webhook for each letter, which knows a repeat by its Idempotency-Key."""

import asyncio
from http import HTTPStatus
from ssl import create_default_context
from typing import Final
from urllib.parse import urlsplit

import httpx

from agents.notifications.carriers.port import PATIENCE, Letter, Receipt, Result

TRANSIENT: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""Client errors that may pass."""


class WebhookCarrier:
    """See Carrier. `POST URL {"id", "to", "title", "text"}`; any 2xx is a yes, other 4xx are a no."""

    repeatable = True

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        """A user and password in `url` become basic authentication."""
        self._url = url
        self._host = urlsplit(url).hostname
        self._patience = patience
        self._client = httpx.AsyncClient(timeout=patience, verify=create_default_context(), trust_env=False)

    async def send(self, letter: Letter) -> Receipt:
        """As Carrier."""
        body = {"id": letter.id, "to": letter.address, "title": letter.subject, "text": letter.short}
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._client.post(self._url, json=body, headers={"Idempotency-Key": letter.id})
        except httpx.ConnectError:
            trouble = f"the webhook at {self._host} cannot be reached: see WARREN_SMS and WARREN_PUSH"
            return Receipt(Result.NOT_SENT, "unreachable", trouble)
        except (TimeoutError, httpx.RequestError) as error:
            return Receipt(Result.UNKNOWN, type(error).__name__)
        return _receipt(answer.status_code)

    async def check(self) -> str:
        """As Carrier."""
        return ""

    async def close(self) -> None:
        """As Carrier."""
        await self._client.aclose()


def _receipt(status: int) -> Receipt:
    if httpx.codes.is_success(status):
        return Receipt(Result.SENT)
    refused = httpx.codes.is_client_error(status) and status not in TRANSIENT
    return Receipt(Result.REFUSED if refused else Result.UNKNOWN, f"http_{status}")
