"""When a table was last heard to change: what was read before does not count any more."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from streams import View
from streams.changes import Changed

MOST: Final = 10_000
"""Keys that are remembered one by one; with more, any row may have changed."""


class Freshness:
    """Of one table. It watches from `start` on, and takes everything for changed at least every `again` seconds."""

    def __init__(self, view: View[Any], again: float, now: Callable[[], int]) -> None:
        """`now` gives ms since 1970 UTC."""
        self.again = again
        self._view = view
        self._now = now
        self._any = now()
        self._all = self._any
        self._rows: dict[str, int] = {}
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch, if it does not yet."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Watch no more: nothing counts that is read afterwards."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def counts(self, read_at: int, key: str | None = None) -> bool:
        """Whether what was begun to be read at that moment (ms) still counts: a row, or (None) any page of rows."""
        if self._watching is None or self._watching.done():
            return False
        changed = self._any if key is None else max(self._all, self._rows.get(key, 0))
        return changed < read_at <= self._now()

    async def _watch(self) -> None:
        with self._view.watch(again=self.again) as watch:
            while True:
                self._hear(await watch.changed())

    def _hear(self, changed: Changed) -> None:
        self._any = self._now()
        if changed is None or len(self._rows) + len(changed) > MOST:
            self._all = self._any
            self._rows.clear()
        else:
            self._rows.update(dict.fromkeys(changed, self._any))
