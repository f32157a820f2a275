"""The course of a replay: what is struck when, and what the replay says in the end."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.replay.command import Command

PATIENCE: Final = 900.0
"""Seconds between one strike and the next, and between two progresses, at the most."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One blow, and getting up again."""

    what: str
    """For the report: `SIGKILL orders`."""
    deal: Callable[[], None] | None
    """None: the replay itself is killed, and started again."""


KILL_REPLAY: Final = Strike("SIGKILL replay", None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What `warren replay --json` has answered, and how long it took in all."""

    seconds: float
    said: dict[str, Any]


def run(start: Callable[[], Command], orders: int, strikes: Sequence[Strike] = ()) -> Answer:
    """Run a replay to its end, the strikes spread evenly over it. Fails where any figure differs from the data's."""
    began = time.monotonic()
    replay = start()
    for number, strike in enumerate(strikes, start=1):
        replay.reaches(orders * number // (len(strikes) + 1), within=PATIENCE)
        if strike.deal is None:
            replay.kill()
            replay = start()
        else:
            strike.deal()
    assert replay.comes_to_an_end(within=PATIENCE) == 0, replay.report("it failed")
    said: dict[str, Any] = json.loads(replay.output)
    assert said["differences"] == []
    return Answer(time.monotonic() - began, said)
