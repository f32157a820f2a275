"""Keeps a log within its age and size: the oldest chunks end, the newest chunk always stays.

RabbitMQ does the same by segments, which are larger.
"""

from collections.abc import Sequence
from datetime import timedelta

from streams.broker import Outcome
from streams.embedded.chunk import ChunkHead
from streams.embedded.clock import Alarm, Clock
from streams.embedded.journal import Entry, Journal
from streams.embedded.log import Log


def expired(
    oldest: Sequence[ChunkHead], size: int, now: int, max_age: int | None, max_bytes: int | None
) -> Sequence[ChunkHead]:
    """Those of the oldest chunks of a log of `size` bytes that are too old (milliseconds), or too much."""
    count = 0
    for head in oldest:
        too_old = max_age is not None and head.time + max_age <= now
        too_much = max_bytes is not None and size > max_bytes
        if not too_old and not too_much:
            break
        size -= head.size
        count += 1
    return oldest[:count]


class Keeper:
    """Ends the oldest chunks of one log when it is time."""

    def __init__(
        self, log: Log, journal: Journal, clock: Clock, *, max_age: timedelta | None, max_bytes: int | None
    ) -> None:
        self.name = log.name
        self._log = log
        self._journal = journal
        self._clock = clock
        self._alarm = Alarm(clock)
        self._max_age = max_age // timedelta(milliseconds=1) if max_age is not None else None
        self._max_bytes = max_bytes
        self._due: int | None = None
        log.listeners[self._look] = None

    async def run(self) -> None:
        """Keep the log for ever."""
        while True:
            oldest = await self._enforce()
            self._due = oldest.time + self._max_age if oldest and self._max_age is not None else None
            await self._alarm.wait(self._due)

    async def _enforce(self) -> ChunkHead | None:
        """End what is expired. Returns the oldest chunk that may end later."""
        while oldest := await self._log.oldest():
            heads = expired(oldest, self._log.size, self._clock(), self._max_age, self._max_bytes)
            if not heads:
                return oldest[0]
            if await self._journal.write(Entry(truncated=[(self._log, heads)])) is not Outcome.CONFIRMED:
                return None
        return None

    def _look(self) -> None:
        """Ring where the log has grown too large, or has something that can grow old."""
        too_much = self._max_bytes is not None and self._log.size > self._max_bytes
        if too_much or (self._max_age is not None and self._due is None):
            self._alarm.ring()
