"""Media types of requests."""

from fastapi import Request
from starlette.datastructures import Headers

from api.problems import Problem

JSON = "application/json"
NDJSON = "application/x-ndjson"


def media_type(headers: Headers) -> str:
    """The media type that a request says its body has, without parameters, in lower case; "" if it says none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def require_json(request: Request) -> None:
    """A dependency of endpoints that take JSON. Raises Problem (415)."""
    require_media(request, JSON)


def require_media(request: Request, *accepted: str) -> str:
    """The request's media type. Raises Problem (415) where it is not one of these."""
    given = media_type(request.headers)
    if given not in accepted:
        detail = f"the body is {given or 'of no stated type'}: send {' or '.join(accepted)} and say so in Content-Type"
        raise Problem(415, "unsupported_media_type", detail)
    return given
