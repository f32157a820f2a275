"""An event loop whose clock jumps to whatever is next: waiting costs nothing, and every run waits the same."""

import asyncio
from collections.abc import Sequence, Sized
from selectors import BaseSelector


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything can run, and moves to the next timer when nothing can."""

    def __init__(self, selector: BaseSelector | None = None) -> None:
        self._virtual = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual

    # The names below are asyncio's own: selector loops have had them since Python 3.4.
    _ready: Sized
    _scheduled: Sequence[asyncio.TimerHandle]
    _stopping: bool

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._virtual = max(self._virtual, self._scheduled[0].when())
        elif not self._ready and not self._stopping:
            raise RuntimeError("deadlock: everything waits, and no timer is set")
        super()._run_once()  # type: ignore[misc]
