"""The HTTP interface as a page. Everything it loads comes from here: the files are Swagger UI's, from a package."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI's own
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    )
)
_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}
"""The files of the package change with its version alone."""


@router.get("/docs")
async def get_docs() -> Response:
    """The page."""
    content = (files("api") / "pages" / "docs.html").read_bytes()
    return Response(content, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/docs.js")
async def get_docs_script() -> Response:
    """What starts it."""
    return Response((files("api") / "pages" / "docs.js").read_bytes(), media_type="text/javascript; charset=utf-8")


@router.get("/docs/swagger-ui-bundle.js")
async def get_swagger_script() -> Response:
    """Swagger UI."""
    return Response(_packaged("swagger-ui-bundle.js"), media_type="text/javascript; charset=utf-8", headers=_A_DAY)


@router.get("/docs/swagger-ui.css")
async def get_swagger_style() -> Response:
    """Its style."""
    return Response(_packaged("swagger-ui.css"), media_type="text/css; charset=utf-8", headers=_A_DAY)


def _packaged(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
