"""Events that failed every attempt: looked at, replayed, discarded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from agents.deadletters.desk import Case, Desk, Filter, NotReplayable
from agents.deadletters.tables import app
from api.bodies import Page
from api.caller import Whoever, guarded
from api.dead_letter_bodies import DiscardLetter, LetterBody, WholeLetterBody
from api.dependencies import Cursor, GivenEdge, Limit
from api.openapi import problems, problems_of_body
from api.order_commands import who
from api.problems import Problem, unavailable
from streams.errors import AccessRefused, Conflict, StreamsError

router = APIRouter(
    prefix="/api/dead-letters",
    tags=["operations"],
    dependencies=[guarded("dead-letters:admin")],
    responses=problems(401, 403),
)

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$")]
_Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
_AGENT: Final = "A name, with or without its service: `orders` or `orders/orders`."


async def _desk(edge: GivenEdge, caller: Whoever) -> Desk:
    return Desk(edge.store(app.id), by=who(caller), now=lambda: datetime.fromtimestamp(edge.now() / 1000, UTC))


GivenDesk = Annotated[Desk, Depends(_desk)]


@router.get("", responses=problems(422, 503))
async def list_dead_letters(
    desk: GivenDesk,
    agent: Annotated[_Word, Query(description=_AGENT)] = None,
    kind: _Word = None,
    source: _Word = None,
    closed: Annotated[bool, Query(description="Those that were replayed or discarded too.")] = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[LetterBody]:
    """Letters by id. Looking changes nothing. A page may have fewer than `limit`: the last has no `nextCursor`."""
    found, following = await desk.page(Filter(agent, kind, source, closed), limit, cursor)
    return Page(items=[LetterBody.of(case) for case in found], next_cursor=following)


@router.get("/{id}", responses=problems(404, 422, 503))
async def get_dead_letter(id: Id, desk: GivenDesk) -> WholeLetterBody:
    """One letter: why it died, what it says, and what was done about it."""
    return WholeLetterBody.of(await _one(desk, id))


@router.post("/{id}/replay", responses=problems(404, 409, 422, 503))
async def replay_dead_letter(id: Id, desk: GivenDesk, edge: GivenEdge) -> LetterBody:
    """Send it once more to where it came from, and to the agent alone that gave it up, which counts it once."""
    with _refused():
        services = frozenset(service.name for service in edge.topology.services)
        await desk.replay(await _one(desk, id), edge.broker, services)
    return LetterBody.of(await _one(desk, id))


@router.post("/{id}/discard", responses=problems_of_body(404, 409, 503))
async def discard_dead_letter(id: Id, desk: GivenDesk, body: DiscardLetter | None = None) -> LetterBody:
    """Close it without replaying it; it stays on record."""
    with _refused():
        await desk.discard(await _one(desk, id), (body.why if body else None) or "")
    return LetterBody.of(await _one(desk, id))


async def _one(desk: Desk, id: str) -> Case:
    for case in await desk.find(id):
        if case.letter.id == id:
            return case
    raise Problem(404, "letter_not_found", f"there is no dead letter {id}: see {router.prefix}")


@contextmanager
def _refused() -> Iterator[None]:
    """Why it cannot be done, as problems."""
    try:
        yield
    except NotReplayable as error:
        raise Problem(409, "not_replayable", str(error)) from error
    except Conflict as error:
        raise Problem(409, "somebody_else", str(error)) from error
    except AccessRefused as error:
        detail = (
            "the broker does not let the edge send to queues and logs: run `warren dead-letters replay` as the service"
        )
        raise unavailable("broker_refused", detail) from error
    except StreamsError as error:
        raise unavailable("broker_unavailable", f"nobody knows whether it was sent, try again: {error}") from error
