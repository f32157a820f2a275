"""Answers to requests that fail: problem details (RFC 9457), each with a `code` for programs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import HTTPException
from starlette.responses import Response

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds, as the header has it: about as long as brokers and stores take to come back from a restart."""


class Problem(HTTPException):
    """Raised anywhere in a request, it is the answer.

    `code` names the kind of problem and never changes; `detail` says what is wrong with this request and what to do;
    `members` are added to the body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.members = members or {}


def unavailable(code: str, detail: str, members: Mapping[str, object] | None = None) -> Problem:
    """503, with when to try again."""
    return Problem(503, code, detail, headers={"Retry-After": RETRY_AFTER}, members=members)


def of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem of a bare HTTP status: its code is the status in words."""
    return Problem(status, HTTPStatus(status).phrase.lower().replace(" ", "_"), detail, headers=headers)


def body_of(problem: Problem, correlation_id: str) -> dict[str, Any]:
    """The body that says it."""
    return {
        "type": f"urn:warren:problem:{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status_code,
        "detail": problem.detail,
        "code": problem.code,
        "correlationId": correlation_id,
        **problem.members,
    }


def answer(problem: Problem, correlation_id: str) -> Response:
    """The response that says it."""
    content = orjson.dumps(body_of(problem, correlation_id))
    return Response(content, problem.status_code, problem.headers, PROBLEM_JSON)
