"""Limits on how often something may be done, over all processes of the edge where they share a Redis."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from api.moving_window import MovingWindow
from api.problems import Problem

log: FilteringBoundLogger = structlog.get_logger("warren.api")

PATIENCE: Final = 0.25
"""Seconds that a request waits for what the processes share."""
REST: Final = 1_000
"""Milliseconds without asking it again after it did not answer."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` within any `seconds`."""

    name: str
    most: int
    seconds: int


class SharedUnavailable(Exception):
    """What all processes count by does not answer."""


class SharedWindows(Protocol):
    """Moving windows that several processes count by. Every method may raise SharedUnavailable."""

    async def take(self, rate: Rate, key: str) -> int:
        """Admit and give 0, or the ms after which there is room."""

    async def forget(self, rate: Rate, key: str) -> None:
        """Count this key anew."""

    async def close(self) -> None:
        """Release everything."""


class Rates:
    """Counts in this process always, and over all of them where there is something to share.

    While that does not answer, each process admits its part of the rate, `most / replicas`, and its own count already
    knows whom it has admitted.
    """

    def __init__(self, now: Callable[[], int], shared: SharedWindows | None = None, replicas: int = 1) -> None:
        """`now` gives ms since 1970 UTC; `replicas` is how many processes there are."""
        self._now = now
        self._shared = shared
        self._replicas = replicas
        self._windows: dict[Rate, MovingWindow] = {}
        self._asks_from = 0

    async def take(self, rate: Rate, key: str) -> int:
        """Admit one more and give 0, or the ms after which there is room."""
        shared = self._reachable()
        window, now = self._window(rate), self._now()
        wait = window.take(key, self._own(rate) if shared is None else rate.most, now)
        if wait or shared is None:
            return wait
        try:
            async with asyncio.timeout(PATIENCE):
                wait = await shared.take(rate, key)
        except (SharedUnavailable, TimeoutError) as error:
            self._lost(error)
            window.give_back(key, now)
            return window.take(key, self._own(rate), self._now())
        if wait:
            window.give_back(key, now)
        return wait

    async def require(self, rate: Rate, key: str, code: str) -> None:
        """Admit one more. Raises Problem (429) where there were too many."""
        wait = await self.take(rate, key)
        if wait:
            seconds = -(-wait // 1000)
            detail = f"{rate.most} in {rate.seconds} seconds are the limit: wait {seconds} seconds"
            raise Problem(429, code, detail, headers={"Retry-After": str(seconds)})

    async def forget(self, rate: Rate, key: str) -> None:
        """Count this key anew."""
        self._window(rate).forget(key)
        shared = self._reachable()
        if shared is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await shared.forget(rate, key)
        except (SharedUnavailable, TimeoutError) as error:
            self._lost(error)

    def _reachable(self) -> SharedWindows | None:
        return self._shared if self._now() >= self._asks_from else None

    def _lost(self, error: Exception) -> None:
        self._asks_from = self._now() + REST
        log.warning("rates are counted by this process alone", replicas=self._replicas, error=str(error) or "timeout")

    def _own(self, rate: Rate) -> int:
        return rate.most if self._shared is None else max(1, rate.most // self._replicas)

    def _window(self, rate: Rate) -> MovingWindow:
        window = self._windows.get(rate)
        if window is None:
            window = self._windows[rate] = MovingWindow(rate.seconds * 1000)
        return window
