"""The management HTTP API of RabbitMQ: one connection's worth of typed reads and checked writes."""

import asyncio
import ssl
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpx
import msgspec

from topology.errors import BrokerRefused, BrokerUnreachable

T = TypeVar("T")

_SECONDS = 30.0  # a quorum queue waits for its members before it answers
# What may be repeated is, seconds between: the answer is 500 while a virtual host starts, and to one of two who declare
# the same stream at once.
_AGAIN, _PAUSE = 3, 0.5


class Management:
    """A client of the management API at an address such as `http://user:password@host:15672`; an async context."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BrokerUnreachable("the management address must look like http://user:password@host:15672")
        self.address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        auth = httpx.BasicAuth(unquote(parts.username or "guest"), unquote(parts.password or "guest"))
        # No proxy: a broker stands in one's own network. The context knows the system's certificates and SSL_CERT_FILE.
        verify = ssl.create_default_context()
        self._client = httpx.AsyncClient(auth=auth, timeout=_SECONDS, trust_env=False, verify=verify)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, what: type[T], *path: str) -> T:
        """Read and decode. Raises BrokerUnreachable, BrokerRefused."""
        response = await self._send("GET", path)
        try:
            return msgspec.json.decode(response.content, type=what)
        except msgspec.MsgspecError as error:
            message = f"{self.address} does not answer like the management API of RabbitMQ ({error})"
            raise BrokerRefused(f"{message}: see that WARREN_MANAGEMENT names it") from error

    async def put(self, body: object, *path: str) -> None:
        """Create or change. Raises BrokerUnreachable, BrokerRefused."""
        await self._send("PUT", path, body)

    async def post(self, body: object, *path: str) -> None:
        """Add. Raises BrokerUnreachable, BrokerRefused."""
        await self._send("POST", path, body)

    async def delete(self, *path: str, if_unused: bool = False) -> None:
        """Remove; what is gone already is no error. Raises BrokerUnreachable, BrokerRefused."""
        await self._send("DELETE", path, query="?if-unused=true" if if_unused else "")

    async def _send(self, method: str, path: tuple[str, ...], body: object = None, query: str = "") -> httpx.Response:
        url = "/".join((self.address, "api", *(quote(part, safe="") for part in path))) + query
        try:
            response = await self._client.request(method, url, json=body)
            for _ in range(_AGAIN if method in ("GET", "PUT") else 0):
                if response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
                    break
                await asyncio.sleep(_PAUSE)
                response = await self._client.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise BrokerUnreachable(self._unreachable(error)) from error
        if response.is_error and not (method == "DELETE" and response.status_code == httpx.codes.NOT_FOUND):
            raise BrokerRefused(_refusal(response, "/".join(path)))
        return response

    def _unreachable(self, error: httpx.HTTPError) -> str:
        return (
            f"the management API at {self.address} does not answer ({str(error) or type(error).__name__}): "
            "see that RabbitMQ runs with its management plugin, and that WARREN_MANAGEMENT names its address"
        )


def _refusal(response: httpx.Response, path: str) -> str:
    try:
        answer = msgspec.json.decode(response.content, type=dict[str, object])
    except msgspec.DecodeError:
        answer = {}
    reason = answer.get("reason") or answer.get("error") or response.reason_phrase
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return f"RabbitMQ refused the user of the management address ({reason}): name an administrator there"
    return f"RabbitMQ refused {response.request.method} {path}: {reason} ({response.status_code})"
