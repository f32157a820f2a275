"""What links a request to the messages, log lines and answers that it sets off."""

import random
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from starlette.types import Scope

from api.header import header
from streams.broker import Scalar

REQUEST_ID = "x-request-id"

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
# W3C Trace Context, version 00; ids of zeros only are invalid.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")
_KEY = "correlation"


@dataclass(frozen=True, slots=True)
class Correlation:
    """`id` is the client's request id, or one made here; `headers` go on every message of the request."""

    id: str
    headers: dict[str, Scalar] = field(default_factory=dict)


def correlate(scope: Scope, ids: random.Random) -> Correlation:
    """Read a request's headers, and keep what they say with the request."""
    given = header(scope, REQUEST_ID.encode())
    own = given if _TOKEN.fullmatch(given) else str(UUID(int=ids.getrandbits(128), version=4))
    correlation = Correlation(own, _trace(scope))
    state: dict[str, Any] = scope.setdefault("state", {})
    state[_KEY] = correlation
    return correlation


def correlation_of(scope: Scope) -> Correlation:
    """What `correlate` kept."""
    correlation: Correlation = scope["state"][_KEY]
    return correlation


def _trace(scope: Scope) -> dict[str, Scalar]:
    parent = header(scope, b"traceparent")
    if not _TRACEPARENT.fullmatch(parent):
        return {}
    state = header(scope, b"tracestate")
    return {"traceparent": parent, **({"tracestate": state} if _TRACESTATE.fullmatch(state) else {})}
