"""Dead letters, as answers have them."""

from datetime import datetime
from typing import Any, Self

import orjson

from agents.deadletters.desk import Case, State
from agents.deadletters.tables import Did
from api.bodies import Body, Text
from api.hiding import shown


class LetterBody(Body):
    """An event that failed every attempt. `agent` is `service/agent` or `broker`; `offset` is -1 for queues."""

    id: str
    state: State
    agent: str
    source: str
    offset: int
    event_id: str
    type: str
    kind: str
    error: str
    attempts: int
    died_at: datetime

    @classmethod
    def of(cls, case: Case) -> Self:
        """The body of a letter."""
        return cls(**_summary(case))


class ActionBody(Body):
    """What somebody did about a letter; `done` is false while it is under way."""

    did: Did
    by: str
    at: datetime
    why: str
    done: bool


class WholeLetterBody(LetterBody):
    """All that is known of one. Secrets in `body` are hidden; what is not JSON is text."""

    traceback: str
    headers: dict[str, Any]
    body: Any
    trail: list[ActionBody]

    @classmethod
    def of(cls, case: Case) -> Self:
        """The body of a letter."""
        return cls(
            **_summary(case),
            traceback=case.letter.traceback,
            headers=case.letter.headers,
            body=body_of(case.letter.letter_body),
            trail=[ActionBody.model_validate(action) for action in case.trail.actions],
        )


class DiscardLetter(Body):
    """Why a letter is closed."""

    why: Text | None = None


def body_of(body: bytes) -> Any:
    """JSON without its secrets; anything else as text."""
    try:
        return orjson.loads(orjson.dumps(shown(orjson.dumps(orjson.loads(body)))))
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _summary(case: Case) -> dict[str, Any]:
    letter = case.letter
    return {
        "id": letter.id,
        "state": case.state,
        "agent": case.place,
        "source": letter.source,
        "offset": letter.offset,
        "event_id": letter.event_id,
        "type": letter.type,
        "kind": letter.kind,
        "error": letter.error,
        "attempts": letter.attempts,
        "died_at": letter.died_at,
    }
