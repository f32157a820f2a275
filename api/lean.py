"""Routes that are asked so often that what FastAPI does around an endpoint costs more than the endpoint."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.correlation import correlation_of
from api.faults import problem_of
from api.problems import answer
from api.queries import known_query


class LeanRoute(APIRoute):
    """Its endpoint is given the request and the path's parameters, all of them texts, and gives the response.

    It stands in the document as every other. Dependencies of the route and its router are called with the request
    alone; those that give values are not for it.
    """

    def parameters(self, scope: Scope) -> Mapping[str, str] | None:
        """Those of the path, where the request is for this route."""
        if scope["method"] not in (self.methods or ()):
            return None
        match = self.path_regex.match(scope["path"])
        return match.groupdict() if match else None

    async def answer(self, request: Request, parameters: Mapping[str, str]) -> Response:
        """What the endpoint says. Raises what it and the dependencies raise."""
        await known_query(request)
        for depends in self.dependencies:
            if depends.dependency is not None:
                await depends.dependency(request)
        response: Response = await self.endpoint(request, **parameters)
        return response


class Lean:
    """Middleware: answers requests for lean routes, and lets the others through to FastAPI."""

    def __init__(self, app: ASGIApp, routers: Iterable[APIRouter]) -> None:
        self._app = app
        self._routes = [route for router in routers for route in router.routes if isinstance(route, LeanRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._routes:
                parameters = route.parameters(scope)
                if parameters is not None:
                    scope["route"] = route
                    response = await _answer(route, parameters, Request(scope, receive, send))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def _answer(route: LeanRoute, parameters: Mapping[str, str], request: Request) -> Response:
    try:
        return await route.answer(request, parameters)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        return answer(problem, correlation_of(request.scope).id)
