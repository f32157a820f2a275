"""A copy of what another process has, which outlives that process for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from agents.auth.errors import AccountsUnavailable

T = TypeVar("T")

PATIENCE: Final = 0.5
"""Seconds that a request waits for a newer copy, where there is one that counts."""
AGAIN: Final = 1_000
"""Milliseconds between two tries to read, whoever asks and however they end."""


class RemoteCopy(Generic[T]):
    """Reads when it is asked, one read at a time. While none succeeds, the last one counts."""

    def __init__(self, read: Callable[[], Awaitable[T]], now: Callable[[], int], *, counts: int | None = None) -> None:
        """`read` raises AccountsUnavailable; `now` gives ms since 1970 UTC; a copy counts for `counts` ms, None: for
        ever."""
        self._read = read
        self._now = now
        self._counts = counts
        self._copy: tuple[int, T] | None = None
        self._tried_at: int | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waited_until = 0.0

    async def get(self, fresh: int) -> T:
        """A copy that is no older than `fresh` ms, or the last one that counts where none comes in time. Raises
        AccountsUnavailable where there is none."""
        if not self._younger(fresh):
            await self._renew()
        if self._copy is None or not self._younger(self._counts):
            raise AccountsUnavailable("the service of accounts gives no answer that counts: try again")
        return self._copy[1]

    def _younger(self, age: int | None) -> bool:
        return self._copy is not None and (age is None or 0 <= self._now() - self._copy[0] < age)

    async def _renew(self) -> None:
        if self._reading is None or self._reading.done():
            if self._tried_at is not None and 0 <= self._now() - self._tried_at < AGAIN:
                return
            self._tried_at = self._now()
            self._waited_until = asyncio.get_running_loop().time() + PATIENCE
            self._reading = asyncio.create_task(self._keep())
        left = None
        if self._copy is not None and self._younger(self._counts):
            left = max(0.0, self._waited_until - asyncio.get_running_loop().time())
        await asyncio.wait({self._reading}, timeout=left)

    async def _keep(self) -> None:
        began = self._now()
        try:
            self._copy = (began, await self._read())
        except AccountsUnavailable:
            return
