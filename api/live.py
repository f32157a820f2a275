"""The live figures: read once a second for all who watch, and told to each as what is new to them.

A reader that is slow is told less often, and then everything that has changed since at once: nothing is kept for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from structlog.typing import FilteringBoundLogger

from api.problems import Problem
from stores.errors import StoreError

log: FilteringBoundLogger = structlog.get_logger("warren.api")

EVERY: Final = 1.0
"""Seconds between two readings, while anybody watches."""

Sections = Mapping[str, Any]
"""Name -> figures, as JSON has them. A section is told whole."""


@dataclass(frozen=True, slots=True)
class State:
    """The figures at one moment. Numbers count the states that differ, from 1 on; 0: nothing was read yet."""

    number: int
    sections: Sections


def told(since: State | None, now: State) -> dict[str, Any]:
    """The message that takes a reader from one state to another; from none: a snapshot."""
    if since is None:
        return {"type": "snapshot", "number": now.number, "data": dict(now.sections)}
    changed = {name: value for name, value in now.sections.items() if since.sections.get(name) != value}
    return {"type": "change", "number": now.number, "since": since.number, "data": changed}


class Live:
    """Reads while there are readers, and only then."""

    def __init__(self, read: Callable[[], Awaitable[Sections]], every: float = EVERY) -> None:
        self._read = read
        self._every = every
        self._state = State(0, {})
        self._changed = asyncio.Event()
        self._readers = 0
        self._reading: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """As long as somebody watches."""
        self._readers += 1
        if self._reading is None:
            self._reading = asyncio.create_task(self._keep_reading())
        try:
            yield
        finally:
            self._readers -= 1
            if self._readers == 0 and self._reading is not None:
                self._reading.cancel()
                self._reading = None
                self._state = State(self._state.number, {})  # whoever comes next waits for what is then

    async def after(self, known: State | None) -> State:
        """The state that follows, as soon as it differs from the one that is known."""
        while not self._state.sections or (known is not None and self._state.number == known.number):
            await self._changed.wait()
        return self._state

    async def _keep_reading(self) -> None:
        while True:
            try:
                self._become(await self._read())
            except (StoreError, Problem) as error:
                log.warning("live figures cannot be read; trying again", reason=str(error))
            except Exception:
                log.exception("live figures cannot be read; trying again")
            await asyncio.sleep(self._every)

    def _become(self, sections: Sections) -> None:
        if sections != self._state.sections:
            self._state = State(self._state.number + 1, sections)
            self._changed.set()
            self._changed = asyncio.Event()
