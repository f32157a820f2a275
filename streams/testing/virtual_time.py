"""An event loop whose clock jumps to whatever is next: waiting costs nothing, and every run waits the same."""

import asyncio
import heapq
from collections.abc import Sized
from selectors import BaseSelector
from typing import Any


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything can run, and moves to the next timer when nothing can."""

    def __init__(self, selector: BaseSelector | None = None) -> None:
        self._virtual = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual

    # The names below are asyncio's own: selector loops have had them since Python 3.4.
    _ready: Sized
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool
    _timer_cancelled_count: int

    def _run_once(self) -> None:
        self._drop_cancelled()
        if not self._ready and self._scheduled:
            self._virtual = max(self._virtual, self._scheduled[0].when())
        elif not self._ready and not self._stopping:
            raise RuntimeError("deadlock: everything waits, and no timer is set")
        super()._run_once()  # type: ignore[misc]

    def _drop_cancelled(self) -> None:
        """The loop drops cancelled timers too, but then waits for the next one, and in real time."""
        while self._scheduled and self._scheduled[0].cancelled():
            handle: Any = heapq.heappop(self._scheduled)
            handle._scheduled = False
            self._timer_cancelled_count -= 1
