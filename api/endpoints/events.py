"""Events of HTTP publishers: one, a JSON array of them, or a stream of lines."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from api.bodies import Body
from api.caller import guarded
from api.correlation import correlation_of
from api.cutting import Lines, elements, is_array
from api.edge import Edge
from api.incoming import MAX_BYTES, MAX_TEXT, EventRefused, Parser
from api.inlets import Inlets
from api.lean import LeanRoute
from api.media import JSON, NDJSON, require_media
from api.openapi import problems, problems_of_body
from api.problems import Problem
from api.reception import Reception, Rejected
from api.sender import Sender

router = APIRouter(
    prefix="/api/events",
    tags=["events"],
    dependencies=[guarded("events:publish")],
    responses=problems(401, 403),
    route_class=LeanRoute,
)

_EVENT: Final[dict[str, Any]] = {
    "title": "Event",
    "type": "object",
    "required": ["data"],
    "additionalProperties": False,
    "properties": {
        "id": {
            "type": "string",
            "maxLength": MAX_TEXT,
            "description": "A UUID, or another text that is this event's alone. Without it a retry is a new event.",
        },
        "key": {"type": "string", "maxLength": MAX_TEXT, "description": "What keeps its order with events of one key."},
        "time": {"type": "string", "format": "date-time", "description": "When it happened; now by default."},
        "data": {"type": "object", "description": "The record, as its readers know it."},
    },
}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        JSON: {"schema": {"oneOf": [_EVENT, {"type": "array", "items": _EVENT}]}},
        NDJSON: {"schema": {"type": "string", "description": "One event on each line."}},
    },
}


class Receipt(Body):
    """How many events the broker has confirmed, and which ones cannot be published as they are."""

    accepted: int
    rejected: list[Rejected]


_ONE_ACCEPTED: Final = Receipt(accepted=1, rejected=[]).model_dump_json(by_alias=True).encode()


@router.post(
    "/{exchange}/{routing_key}",
    status_code=202,
    response_model=Receipt,
    responses=problems_of_body(503),
    openapi_extra={"requestBody": _BODY},
)
async def publish_events(request: Request, exchange: str, routing_key: str) -> Response:
    """Publish events under a key that the topology opens to HTTP. Every event is confirmed, or named in the answer."""
    media = require_media(request, JSON, NDJSON)
    state = request.app.state
    edge: Edge = state.edge
    sender: Sender = state.sender
    inlets: Inlets = state.inlets
    inlet = inlets.of(exchange, routing_key)
    parser = Parser(edge.publisher, inlet, correlation=correlation_of(request.scope), now=edge.now)
    if media == NDJSON:
        async with Reception(parser, sender) as reception:
            await _take_lines(request, reception)
        return _receipt(reception)
    body = await request.body()
    if is_array(body):
        async with Reception(parser, sender) as reception:
            await reception.take(await elements(body))
        return _receipt(reception)
    await _send_one(body, parser, sender)
    return Response(_ONE_ACCEPTED, 202, media_type=JSON)


async def _take_lines(request: Request, reception: Reception) -> None:
    lines = Lines(MAX_BYTES)
    async for chunk in request.stream():
        await reception.take(lines.feed(chunk))
    await reception.take(lines.end())


async def _send_one(body: bytes, parser: Parser, sender: Sender) -> None:
    if len(body) > MAX_BYTES:
        raise Problem(413, "event_too_large", f"the event has more than {MAX_BYTES:,} bytes")
    try:
        message = parser.message(body)
    except EventRefused as error:
        raise Problem(422, "event_refused", str(error)) from error
    await sender.send_one(message)


def _receipt(reception: Reception) -> Response:
    receipt = Receipt(accepted=reception.accepted, rejected=reception.rejected)
    return Response(receipt.model_dump_json(by_alias=True), 202, media_type=JSON)
