"""How `warren dead-letters` shows letters."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from agents.deadletters.desk import Case
from api.dead_letter_bodies import body_of


@dataclass(frozen=True, slots=True)
class Group:
    """Letters of one agent with one kind of error."""

    place: str
    kind: str
    cases: list[Case]

    def line(self) -> str:
        """For people."""
        example = max(self.cases, key=lambda case: case.letter.died_at).letter
        states = ", ".join(f"{count} {state}" for state, count in sorted(self._states().items()))
        last = f"{example.died_at:%Y-%m-%d %H:%M:%S} from {example.source}, {example.id}"
        return (
            f"{len(self.cases):>6}  {self.place}  {self.kind}  ({states})\n        last {last}: {example.error[:200]}"
        )

    def _states(self) -> Counter[str]:
        return Counter(case.state for case in self.cases)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        died = sorted(case.letter.died_at for case in self.cases)
        return {
            "agent": self.place,
            "kind": self.kind,
            "count": len(self.cases),
            "states": self._states(),
            "first": died[0],
            "last": died[-1],
            "sources": sorted({case.letter.source for case in self.cases}),
            "ids": [case.letter.id for case in self.cases],
        }


def grouped(cases: list[Case]) -> list[Group]:
    """Letters by agent and kind of error."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.place, case.letter.kind), []).append(case)
    return [Group(place, kind, found) for (place, kind), found in sorted(groups.items())]


def full(case: Case) -> dict[str, Any]:
    """All that is known of a letter."""
    letter = case.letter
    trail = [
        {"did": action.did, "by": action.by, "at": action.at, "why": action.why, "done": action.done}
        for action in case.trail.actions
    ]
    return {
        "id": letter.id,
        "state": case.state,
        "agent": case.place,
        "source": letter.source,
        "offset": letter.offset,
        "event": letter.event_id,
        "type": letter.type,
        "died": letter.died_at,
        "attempts": letter.attempts,
        "error": letter.error,
        "traceback": letter.traceback,
        "headers": letter.headers,
        "body": body_of(letter.letter_body),
        "trail": trail,
    }


def line_of(value: object) -> str:
    """A value beside its name."""
    if isinstance(value, str):
        return value.rstrip().replace("\n", f"\n{'':<15}")
    return orjson.dumps(value).decode()
