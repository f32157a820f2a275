"""Logs, read from an offset on."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from api.caller import guarded
from api.dependencies import GivenEdge
from api.edge import Edge
from api.log_reading import Part, Start, as_event, as_line, reading
from api.media import NDJSON
from api.openapi import problems
from api.problems import Problem, unavailable
from streams.broker import Extent
from streams.errors import AccessRefused, BrokerError, NoSuchTarget
from topology.spec import nearest

router = APIRouter(
    prefix="/api/logs", tags=["events"], dependencies=[guarded("logs:read")], responses=problems(401, 403)
)

SSE: Final = "text/event-stream"
MOST: Final = 1_000_000
_OFFSET: Final = r"^(first|next|\d{1,18})$"
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The events, in their order.",
        "content": {
            NDJSON: {"schema": {"type": "string", "description": "One event on each line."}},
            SSE: {"schema": {"type": "string", "description": "Its id is the offset."}},
        },
    }
}


@router.get("/{log}", response_class=StreamingResponse, responses={**_ANSWER, **problems(404, 422, 503)})
async def read_log(
    log: str,
    request: Request,
    edge: GivenEdge,
    offset: Annotated[str, Query(pattern=_OFFSET, description="`first`, `next`, or a number.")] = "first",
    limit: Annotated[int | None, Query(ge=1, le=MOST, description="Events, at most.")] = None,
    follow: Annotated[bool, Query(description="Go on with what comes; server-sent events always do.")] = False,
    last_event_id: Annotated[str | None, Header(description="Read on after this offset.")] = None,
) -> StreamingResponse:
    """Events of a log: lines of JSON, or server-sent events where the request accepts `text/event-stream`.

    Without `follow` lines end where the log ended when they were asked for. One answer lasts ten minutes at most.
    """
    extent = await _extent(edge, log)
    live = SSE in request.headers.get("accept", "")
    start = _start(offset, last_event_id)
    part = Part(log, start, None if live or follow else extent.last, limit)
    if live:
        return StreamingResponse(reading(edge.broker, part, as_event, b": \n\n"), media_type=SSE)
    # "next" without `follow` is the end itself.
    if part.end is not None and (start == "next" or extent.last < 0):
        return StreamingResponse(iter(()), media_type=NDJSON)
    return StreamingResponse(reading(edge.broker, part, as_line, b"\n"), media_type=NDJSON)


def _start(offset: str, last_event_id: str | None) -> Start:
    if last_event_id:
        if not re.fullmatch(r"\d{1,18}", last_event_id):
            raise Problem(
                422, "invalid_query", f"Last-Event-ID {last_event_id[:50]!r} is no offset: send an event's id"
            )
        return int(last_event_id) + 1
    match offset:
        case "first":
            return "first"
        case "next":
            return "next"
        case _:
            return int(offset)


async def _extent(edge: Edge, log: str) -> Extent:
    if log not in edge.topology.logs:
        hint = nearest(log, edge.topology.logs)
        raise Problem(404, "log_not_found", f"there is no log {log[:100]!r}{hint}")
    try:
        return await edge.broker.extent(log)
    except NoSuchTarget as error:
        raise Problem(404, "log_not_found", str(error)) from error
    except AccessRefused as error:
        detail = f"the broker does not let the edge read {log!r}: run `warren topology apply --users`"
        raise unavailable("broker_refused", detail) from error
    except BrokerError as error:
        raise unavailable("broker_unavailable", f"the log cannot be read now: {error}") from error
