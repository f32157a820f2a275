"""Every state that a system can reach, one after another."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)

Step = tuple[str, S]
"""What happens, and the state after it."""


@dataclass(frozen=True, slots=True)
class Explored(Generic[S]):
    """What an exploration has seen: all there is, or the first state that must not be."""

    states: int
    steps: int
    completed: int
    """States in which all work is done."""
    fault: str = ""
    path: tuple[str, ...] = ()
    """The shortest way to the fault."""


def explore(
    start: S, after: Callable[[S], Iterable[Step[S]]], fault: Callable[[S], str], complete: Callable[[S], bool]
) -> Explored[S]:
    """Breadth first. `fault` says what is wrong with a state, "" if nothing is; `complete` whether all work is done."""
    came_from: dict[S, tuple[str, S] | None] = {start: None}
    waiting = deque([start])
    steps = completed = 0
    while waiting:
        state = waiting.popleft()
        if wrong := fault(state):
            return Explored(len(came_from), steps, completed, wrong, tuple(_path(state, came_from)))
        completed += complete(state)
        for what, reached in after(state):
            steps += 1
            if reached not in came_from:
                came_from[reached] = what, state
                waiting.append(reached)
    return Explored(len(came_from), steps, completed)


def _path(state: S, came_from: dict[S, tuple[str, S] | None]) -> Iterator[str]:
    steps: list[str] = []
    while (step := came_from[state]) is not None:
        what, state = step
        steps.append(what)
    return reversed(steps)
