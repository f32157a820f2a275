"""Headers that tell browsers to trust an answer no further than needed."""

from typing import Final

from starlette.types import Scope

Header = tuple[bytes, bytes]

_EVERYWHERE: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_BY_TLS: Final = (*_EVERYWHERE, (b"strict-transport-security", b"max-age=31536000"))
"""By plain HTTP browsers ignore that header (RFC 6797, 8.1)."""


def security_headers(scope: Scope) -> tuple[Header, ...]:
    """Those that an answer has unless it sets them itself."""
    return _BY_TLS if scope.get("scheme") == "https" else _EVERYWHERE
