"""How long requests wait for something that may never come."""

import asyncio
from collections import deque
from typing import Any


class Patience:
    """Ends waits that last too long with TimeoutError. All may last equally long, so one timer is enough for them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, wait: asyncio.Future[Any]) -> None:
        """From now on."""
        loop = asyncio.get_running_loop()
        self._forget(until=loop.time())
        self._ends.append((loop.time() + self._seconds, wait))
        self._look_again(loop)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        self._forget(until=loop.time())
        self._look_again(loop)

    def _forget(self, until: float) -> None:
        """Those at the head that are over, and those that have lasted too long."""
        while self._ends and (self._ends[0][1].done() or self._ends[0][0] <= until):
            _, wait = self._ends.popleft()
            if not wait.done():
                wait.set_exception(TimeoutError())

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._ends:
            self._timer = loop.call_at(self._ends[0][0], self._look)
