"""A page that shows what is going on, from the endpoints that everybody has; where these ask, it asks for a log-in."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

router = APIRouter(include_in_schema=False)

_MEDIA: Final = {
    "dashboard.html": "text/html; charset=utf-8",
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
}
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the bars' heights
        "connect-src 'self'",
        "form-action 'none'",  # the script sends what is typed in
        "frame-ancestors 'none'",
    )
)


def _page(name: str) -> Response:
    content = (files("api") / "pages" / name).read_bytes()
    return Response(content, media_type=_MEDIA[name], headers={"Content-Security-Policy": _POLICY})


@router.get("/")
async def get_start() -> RedirectResponse:
    """To the dashboard."""
    return RedirectResponse("/dashboard")


@router.get("/dashboard")
async def get_dashboard() -> Response:
    """The page."""
    return _page("dashboard.html")


@router.get("/dashboard/dashboard.css")
async def get_style() -> Response:
    """Its style."""
    return _page("dashboard.css")


@router.get("/dashboard/dashboard.js")
async def get_script() -> Response:
    """Its script."""
    return _page("dashboard.js")
