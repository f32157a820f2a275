"""Which problem an exception is to the client."""

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from agents.auth.errors import AccountError
from api import account_faults
from api.correlation import correlation_of
from api.methods import methods_of
from api.problems import Problem, answer, of_status, unavailable
from stores.errors import CommitUnknown, SchemaMissing, StoreError, StoreUnavailable
from streams.errors import SendRefused

Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Answer what endpoints raise. Everything else is a fault of ours: see `middleware/failures.py`."""
    for kind, made in _PROBLEMS.items():
        app.add_exception_handler(kind, _handler(made))


def problem_of(error: Exception) -> Problem | None:
    """None: a fault of ours. Raises the error where its kind is a client's, and it is ours."""
    for kind in type(error).__mro__:
        if kind in _PROBLEMS:
            return _PROBLEMS[kind](error)
    return None


def _handler(made: Callable[[Exception], Problem]) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        problem = made(error)
        if problem.status_code == 405:
            app: FastAPI = request.app
            problem.headers = {"Allow": ", ".join(methods_of(app.routes, request.scope))}
        return answer(problem, correlation_of(request.scope).id)

    return handle


def _of_http(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    http = cast(HTTPException, error)
    return of_status(http.status_code, _DETAILS.get(http.status_code, http.detail), http.headers)


def _of_validation(error: Exception) -> Problem:
    faults = cast(RequestValidationError, error).errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(400, "malformed_json", f"the body is not JSON: {faults[0]['ctx']['error']}")
    for fault in faults:
        if fault["loc"][0] == "header" and fault["type"] == "missing":
            name = str(fault["loc"][1])
            return Problem(400, f"{name.replace('-', '_')}_required", f"send a header {name}: see /openapi.json")
    errors = [
        {"in": str(fault["loc"][0]), "field": ".".join(map(str, fault["loc"][1:])), "message": fault["msg"]}
        for fault in faults
    ]
    return Problem(422, "invalid_request", "the request does not fit: see `errors`", members={"errors": errors})


def _of_store(error: Exception) -> Problem:
    if isinstance(error, StoreUnavailable | SchemaMissing):
        return unavailable("store_unavailable", f"what is kept cannot be read now: {error}")
    if isinstance(error, CommitUnknown):
        return unavailable("store_unavailable", f"{error} Ask again, with the same Idempotency-Key")
    if type(error) is StoreError:
        return Problem(422, "invalid_query", str(error))
    raise error


def _of_send(error: Exception) -> Problem:
    return Problem(422, "not_publishable", str(error))


_DETAILS = {
    400: "the body cannot be read: send JSON in UTF-8, not nested too deeply",
    404: "there is nothing at this address: see /openapi.json for what there is",
    405: "this address does not take that method: see the header Allow",
}
_PROBLEMS: dict[type[Exception], Callable[[Exception], Problem]] = {
    HTTPException: _of_http,
    RequestValidationError: _of_validation,
    StoreError: _of_store,
    AccountError: account_faults.problem_of,
    SendRefused: _of_send,
}
