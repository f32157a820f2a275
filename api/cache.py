"""Rows that were read, kept for those who ask next: in this process, and where there is a Redis over all of them."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog
from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger("warren.api")

PATIENCE: Final = 0.1
"""Seconds that a request waits for what the processes share: the table itself takes no longer."""
REST: Final = 1_000
"""Milliseconds without asking it again after it did not answer."""
MOST_BYTES: Final = 32 << 20
"""Of what this process keeps; what was not asked for longest goes first."""

Encoded = bytes


class SharedCacheUnavailable(Exception):
    """What all processes keep rows in does not answer."""


class SharedCache(Protocol):
    """A cache that several processes use. Every method may raise SharedCacheUnavailable."""

    async def get(self, names: Sequence[str]) -> list[Encoded | None]:
        """What is kept under these names, in their order."""

    async def put(self, entries: Mapping[str, Encoded], seconds: float) -> None:
        """Keep these for so long."""

    async def close(self) -> None:
        """Release everything."""


class Cache:
    """Keeps entries in this process, and shares them where there is something to share them by.

    While that does not answer, each process keeps its own: what is lost is speed. Whether an entry still counts is not
    judged here.
    """

    def __init__(self, now: Callable[[], int], shared: SharedCache | None = None, most: int = MOST_BYTES) -> None:
        """`now` gives ms since 1970 UTC."""
        self._now = now
        self._shared = shared
        self._most = most
        self._own: OrderedDict[str, Encoded] = OrderedDict()
        self._bytes = 0
        self._asks_from = 0

    def own(self, name: str) -> Encoded | None:
        """What this process keeps under a name."""
        found = self._own.get(name)
        if found is not None:
            self._own.move_to_end(name)
        return found

    async def others(self, names: Sequence[str]) -> dict[str, Encoded]:
        """What some process shares under these names."""
        if self._shared is None or self._now() < self._asks_from or not names:
            return {}
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._shared.get(names)
        except (SharedCacheUnavailable, TimeoutError) as error:
            self._lost(error)
            return {}
        return {name: entry for name, entry in zip(names, found, strict=True) if entry is not None}

    async def put(self, entries: Mapping[str, Encoded], seconds: float) -> None:
        """Keep these; others may have them for so long."""
        self.keep(entries)
        if self._shared is None or self._now() < self._asks_from or not entries:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._shared.put(entries, seconds)
        except (SharedCacheUnavailable, TimeoutError) as error:
            self._lost(error)

    def keep(self, entries: Mapping[str, Encoded]) -> None:
        """Keep these in this process."""
        for name, entry in entries.items():
            self._bytes += len(name) + len(entry) - self._drop(name)
            self._own[name] = entry
        while self._bytes > self._most:
            self._bytes -= self._drop(next(iter(self._own)))

    def _drop(self, name: str) -> int:
        entry = self._own.pop(name, None)
        return 0 if entry is None else len(name) + len(entry)

    def _lost(self, error: Exception) -> None:
        self._asks_from = self._now() + REST
        log.warning("rows are kept by this process alone", error=str(error) or "timeout")
