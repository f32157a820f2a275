"""Media types of requests."""

from typing import Final

import orjson
from fastapi import Request
from starlette.types import Scope

from api.depth import deeper, may_be_deeper
from api.header import header
from api.problems import Problem

JSON = "application/json"
NDJSON = "application/x-ndjson"

MAX_DEPTH: Final = 32
"""Objects and arrays within one another, of a body that is one of ours; events: see `incoming.py`."""


def media_type(scope: Scope) -> str:
    """The media type that a request says its body has, without parameters, in lower case; "" if it says none."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


async def require_json(request: Request) -> None:
    """A dependency of endpoints that take JSON. Raises Problem (415, and 400 for JSON that is nested too deeply)."""
    require_media(request, JSON)
    body = await request.body()
    if may_be_deeper(body, MAX_DEPTH) and deeper(orjson.loads(body), MAX_DEPTH):
        raise Problem(400, "nested_too_deeply", f"the body is nested deeper than {MAX_DEPTH} levels")


def require_media(request: Request, *accepted: str) -> str:
    """The request's media type. Raises Problem (415) where it is not one of these."""
    given = media_type(request.scope)
    if given not in accepted:
        detail = f"the body is {given or 'of no stated type'}: send {' or '.join(accepted)} and say so in Content-Type"
        raise Problem(415, "unsupported_media_type", detail)
    return given
