"""Routes that are asked so often that what FastAPI does around an endpoint costs more than the endpoint."""

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.queries import known_query


class LeanRoute(APIRoute):
    """Its endpoint is given the request and the path's parameters, all of them texts, and gives the response.

    It stands in the document as every other. Dependencies of the route and its router are called with the request
    alone; those that give values are not for it.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As FastAPI's, less its stacks of contexts, its solving of dependencies and its making of responses."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # it says which it takes
            return
        request = Request(scope, receive, send)
        await known_query(request)
        for depends in self.dependencies:
            if depends.dependency is not None:
                await depends.dependency(request)
        response: Response = await self.endpoint(request, **scope["path_params"])
        await response(scope, receive, send)
