"""Time for the embedded broker: asked of a clock, and waited for on the event loop's own timers."""

import asyncio
import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Milliseconds since 1970 UTC."""

_LONGEST_SLEEP = 3_600_000  # the wall clock may be set while the loop's clock runs on: look again every hour


def system_clock() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


class Alarm:
    """Wakes its one waiter at a time of the clock, or as soon as it is rung."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter, or the next one at once."""
        self._rung.set()

    async def wait(self, due: int | None) -> None:
        """Wait until the clock says `due` (None: for ever) or the alarm is rung."""
        while not self._rung.is_set() and (due is None or self._clock() < due):
            try:
                async with asyncio.timeout(self._seconds_to(due)):
                    await self._rung.wait()
            except TimeoutError:
                continue
        self._rung.clear()

    def _seconds_to(self, due: int | None) -> float | None:
        return None if due is None else min(due - self._clock(), _LONGEST_SLEEP) / 1000
