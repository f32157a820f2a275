"""What of a request is handed on by the gateway, and what takes the place of the rest."""

from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from api.correlation import REQUEST_ID, correlation_of
from api.service_passes import SERVICE_TOKEN, ServicePasses

Headers = list[tuple[bytes, bytes]]

FOR_ONE_CONNECTION: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
"""Headers that mean one connection (RFC 9110, 7.6.1)."""
_REPLACED: Final = FOR_ONE_CONNECTION | {
    *(b"host", b"x-forwarded-for", b"x-forwarded-host"),
    *(REQUEST_ID.encode(), SERVICE_TOKEN.encode()),
}


def target(base: str, scope: Scope) -> str:
    """The same address at another process."""
    query = scope["query_string"].decode("ascii")
    path = scope.get("raw_path", scope["path"].encode()).decode("ascii")
    return f"{base}{path}{f'?{query}' if query else ''}"


async def forwarded(scope: Scope, part: str, passes: ServicePasses | None) -> Headers:
    """The client's headers, with its token; its address and the request's id are what was found here, and the service
    token is ours. Raises AccountsUnavailable."""
    client = scope["client"][0].encode() if scope.get("client") else b""
    headers = [
        *without(scope["headers"], _REPLACED),
        (b"x-forwarded-for", client),
        (REQUEST_ID.encode(), correlation_of(scope).id.encode()),
    ]
    if passes is not None:
        headers.append((SERVICE_TOKEN.encode(), (await passes.token(part)).encode()))
    return headers


def without(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]) -> Headers:
    """The headers but these, which are in lower case."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in names]
