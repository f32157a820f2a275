"""Query parameters that nobody knows: refused, so that a filter with a typing error does not list everything."""

from collections.abc import Iterable

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from api.problems import Problem
from topology.spec import nearest


async def known_query(request: HTTPConnection) -> None:
    """A dependency of every endpoint. Raises Problem (422)."""
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    known = names_of(route)
    if known is None:
        return
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        errors = [
            {"in": "query", "field": name[:100], "message": f"there is no such parameter{nearest(name, sorted(known))}"}
            for name in unknown[:10]
        ]
        raise Problem(422, "invalid_request", "the request does not fit: see `errors`", members={"errors": errors})


def names_of(route: BaseRoute) -> set[str] | None:
    """The parameters of an endpoint; None: any, as its document says."""
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return None
    if _takes_any((route.openapi_extra or {}).get("parameters", ())):
        return None
    fields = get_flat_params(route.dependant)
    return {field.alias for field in fields if isinstance(field.field_info, params.Query)}


def _takes_any(parameters: Iterable[dict[str, object]]) -> bool:
    return any(parameter["in"] == "query" and parameter.get("explode") for parameter in parameters)
