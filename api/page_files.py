"""The files of pages that log in: all that they load comes from here, and they talk to nobody else."""

from importlib.resources import files
from pathlib import PurePath
from typing import Final

from fastapi import Response

_MEDIA: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
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


def page_file(name: str) -> Response:
    """A file of `api/pages`."""
    content = (files("api") / "pages" / name).read_bytes()
    media = f"{_MEDIA[PurePath(name).suffix]}; charset=utf-8"
    return Response(content, media_type=media, headers={"Content-Security-Policy": _POLICY})
