"""Which methods an address takes."""

from collections.abc import Iterable
from typing import Final

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


def methods_of(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """Of the address of a request, whichever method that has; HEAD goes with GET."""
    routes = list(routes)
    taken = [m for m in METHODS if any(r.matches({**scope, "method": m})[0] is Match.FULL for r in routes)]
    return ["GET", "HEAD", *taken[1:]] if "GET" in taken else taken
