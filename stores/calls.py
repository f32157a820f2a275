"""Calls under way, so that closing can wait for them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Calls:
    """Counts them, for stores whose driver does not."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A call is under way inside."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    async def ended(self) -> None:
        """Returns when none is under way."""
        while self._count:
            self._idle.clear()
            await self._idle.wait()
