"""Sessions that have ended, while access tokens of theirs may still be about."""

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from agents.auth import sessions
from agents.auth.database import Database
from agents.auth.reading import Reading
from agents.auth.tokens import ACCESS_LIFE

FRESH: Final = 1_000
"""Milliseconds after which another process's endings are seen here, at the latest."""
KEPT: Final = 2 * ACCESS_LIFE * 1000
"""Milliseconds for which an ended session is remembered: longer than its access tokens live."""


class Denials:
    """Which sessions are denied. Read from the database once a second at most, however many ask."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        """`now` gives ms since 1970 UTC."""
        self._database = database
        self._now = now
        self._denied: frozenset[UUID] = frozenset()
        self._own: dict[UUID, int] = {}
        self._read_at: int | None = None
        self._reading = Reading(self._read)

    def add(self, ids: Iterable[UUID]) -> None:
        """Sessions that this process has ended: denied from now on."""
        now = self._now()
        self._own.update(dict.fromkeys(ids, now))

    async def includes(self, id: UUID) -> bool:
        """Whether a session has ended. Raises AccountsUnavailable where nobody can tell."""
        if id in self._own:
            return True
        await self._ensure()
        return id in self._denied

    async def all(self) -> frozenset[UUID]:
        """Every session that has ended while tokens of it may be about. Raises AccountsUnavailable."""
        await self._ensure()
        return self._denied | self._own.keys()

    async def _ensure(self) -> None:
        if not self._fresh():
            await self._reading.done()

    async def _read(self) -> None:
        now = self._now()
        async with self._database.transaction() as session:
            self._denied = frozenset(await sessions.ended_since(session, now - KEPT))
        self._own = {id: at for id, at in self._own.items() if at > now - KEPT}
        self._read_at = now

    def _fresh(self) -> bool:
        return self._read_at is not None and 0 <= self._now() - self._read_at < FRESH
