"""A page that shows what is going on, from the endpoints that everybody has; where these ask, it asks for a log-in."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.page_files import page_file

router = APIRouter(include_in_schema=False)


@router.get("/")
async def get_start() -> RedirectResponse:
    """To the dashboard."""
    return RedirectResponse("/dashboard")


@router.get("/dashboard")
async def get_dashboard() -> Response:
    """The page."""
    return page_file("dashboard.html")


@router.get("/dashboard/dashboard.css")
async def get_style() -> Response:
    """Its style."""
    return page_file("dashboard.css")


@router.get("/dashboard/dashboard.js")
async def get_script() -> Response:
    """Its script."""
    return page_file("dashboard.js")


@router.get("/dashboard/session.js")
async def get_session() -> Response:
    """What pages log in by."""
    return page_file("session.js")
