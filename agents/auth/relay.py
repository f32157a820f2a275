"""The relay: publishes what accounts have committed to their outbox, in order, each event under one id for ever.

One relay works at a time, by a lock of the database. If there were two for a moment, or one were killed between
publishing and removing, events would come twice under the same ids, which readers know again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from agents.auth import outbox, sessions
from agents.auth.database import Database
from agents.auth.errors import AccountError
from agents.auth.models import Outgoing
from streams import Publisher
from streams.broker import Message
from streams.errors import BrokerError, SendRefused
from streams.journal import log
from streams.pausing import pause
from streams.retry import Backoff
from streams.status import Status

EXCHANGE: Final = "user.events"
MOST: Final = 100
"""Events published at once."""
IDLE: Final = 0.5
"""Seconds between two looks at an outbox that was empty, and at a lock that another process has."""
SWEEP: Final = 3_600_000
"""Milliseconds between two removals of tokens that have expired."""

Deliver = Callable[[Sequence[Message], Callable[[str], None]], Awaitable[None]]
"""Publishes until everything is confirmed, in order; tells the second argument what goes wrong meanwhile."""


class Relay:
    """Runs where the service's agents run, since it publishes as the service."""

    def __init__(self, database: Database, publisher: Publisher, deliver: Deliver, now: Callable[[], int]) -> None:
        """`now` gives ms since 1970 UTC."""
        self._database = database
        self._publisher = publisher
        self._deliver = deliver
        self._now = now
        self._swept_at = 0
        self.status = Status("auth", "relay", 0, "outbox")

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Waits out whatever database and broker do; raises nothing but CancelledError."""
        failures = 0
        while not stop.is_set():
            try:
                done = await self.round()
                failures = 0
                await pause(stop, 0 if done == MOST else IDLE)
            except (AccountError, BrokerError, SendRefused) as error:
                failures += 1
                self.status.paused(f"{type(error).__name__}: {error}")
                log.warning("relay paused", reason=str(error))
                await pause(stop, Backoff().delay(failures, 0.5))
        self.status.stopped()

    async def round(self) -> int:
        """Publish what waits longest. Returns how many events that were; 0 where another process has the lock."""
        async with self._database.alone("relay") as alone:
            if not alone:
                self.status.waiting("")
                self.status.reason = "another process relays"
                return 0
            self.status.running()
            async with self._database.transaction() as db:
                rows = await outbox.first(db, MOST)
            if rows:
                await self._publish(rows)
            await self._sweep()
            return len(rows)

    async def _publish(self, rows: Sequence[Outgoing]) -> None:
        await self._deliver([self._message(row) for row in rows], self._trouble)
        async with self._database.transaction() as db:
            await outbox.remove(db, [row.id for row in rows])
        self.status.sent += len(rows)

    def _trouble(self, reason: str) -> None:
        self.status.trouble("publishing", reason)

    def _message(self, row: Outgoing) -> Message:
        return self._publisher.message(
            EXCHANGE,
            row.type,
            row.body,
            key=row.key,
            id=str(row.message_id),
            time=row.time,
            correlation_id=row.correlation_id,
            headers={"schema": row.schema_version},
        )

    async def _sweep(self) -> None:
        now = self._now()
        if now - self._swept_at >= SWEEP:
            async with self._database.transaction() as db:
                await sessions.remove_expired(db, now)
            self._swept_at = now
