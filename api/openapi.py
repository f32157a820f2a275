"""The OpenAPI document: every status that an endpoint answers with."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI

from api.middleware.rate_limits import LIMITED
from api.problems import PROBLEM_JSON

DESCRIPTIONS: Final = {
    400: "The request cannot be read, or lacks a header.",
    401: "Who is calling is not known: log in.",
    403: "Who is calling may not do that.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    409: "It is there already, or does not fit any more, or is under way.",
    412: "It has changed since it was read.",
    413: "The body is too large.",
    415: "The body's media type is not taken here.",
    422: "The request can be read, and asks for what cannot be.",
    429: "Too many requests, or tries: try again after `Retry-After` seconds.",
    500: "A fault of the server.",
    503: "Broker or store do not answer: try again after `Retry-After` seconds.",
}
_TEXT: Final = {"type": "string"}
_PROBLEM: Final = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Some problems have further members.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "correlationId"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong with this request, and what to do."},
        "code": {"type": "string", "description": "The kind of problem, for programs."},
        "correlationId": {"type": "string", "description": "The same as in the header X-Request-ID."},
        "errors": {
            "type": "array",
            "description": "Of `invalid_request`: each fault and its place.",
            "items": {"type": "object", "properties": {"in": _TEXT, "field": _TEXT, "message": _TEXT}},
        },
    },
}
_READING_A_BODY: Final = (400, 408, 413, 415, 422)

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The problems that an endpoint answers with, 500 included."""
    return {status: _problem(status) for status in sorted({*statuses, 500})}


def problems_of_body(*statuses: int) -> Responses:
    """The same for an endpoint that reads a body."""
    return problems(*_READING_A_BODY, *statuses)


def _problem(status: int) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    retry_after = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "description": DESCRIPTIONS[status],
        "content": content,
        **({"headers": retry_after} if status in {429, 503} else {}),
    }


class DocumentedApi(FastAPI):
    """A FastAPI whose document has the schema of problems."""

    def openapi(self) -> dict[str, Any]:
        """As FastAPI makes it, made once, and with what every endpoint may answer."""
        made = self.openapi_schema is not None
        document = super().openapi()
        if not made:
            document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
            for path, operation in _operations(document["paths"]):
                # A query parameter that nobody knows: see `queries.py`.
                operation["responses"].setdefault("422", _problem(422))
                if path.startswith(LIMITED):
                    operation["responses"].setdefault("429", _problem(429))
        return document


def _operations(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with its path."""
    return ((path, operation) for path, methods in paths.items() for operation in methods.values())
