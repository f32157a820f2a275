"""A rung of the retry ladder: a queue whose messages go back, when their time has come, to the queue they came from.

That queue's name is their routing key. RabbitMQ does this with a TTL on the queue and dead-lettering to `retry.back`.
"""

from collections.abc import Sequence

from streams.embedded.clock import Alarm, Clock
from streams.embedded.journal import Entry, Journal
from streams.embedded.message import moved
from streams.embedded.queue import Queue
from streams.embedded.router import Router
from streams.embedded.storage import QueuedMessage
from topology.spec import WAY_BACK

_AT_ONCE = 1_000


class Rung:
    """Moves the messages of one delay queue. `problem`: why some could not be moved."""

    def __init__(self, queue: Queue, router: Router, journal: Journal, clock: Clock) -> None:
        self.name = queue.name
        self.problem: str | None = None
        self._queue = queue
        self._router = router
        self._journal = journal
        self._clock = clock
        self._alarm = Alarm(clock)
        queue.listeners[self._alarm.ring] = None

    async def run(self) -> None:
        """Move messages for ever."""
        while True:
            await self._queue.fill()
            first = self._queue.first
            await self._alarm.wait(first.due if first else None)
            if due := self._queue.take_due(self._clock(), _AT_ONCE):
                await self._move(due)

    async def _move(self, messages: Sequence[QueuedMessage]) -> None:
        entry = Entry()
        for message in messages:
            data, details = moved(message.data, WAY_BACK, None, "expired")
            targets = self._router.route_if_declared(WAY_BACK, details.routing_key, details.headers)
            if targets:
                entry.send(data, targets)
                entry.removed.append(message.id)
            else:
                self._strand(details.routing_key)
        await self._journal.write(entry)

    def _strand(self, source: str) -> None:
        """The message stays in the storage, as with RabbitMQ's strategy `at-least-once`; the next start tries again."""
        self.problem = (
            f"messages of {self.name!r} cannot go back to the queue {source!r}, nor to the dead letters: "
            "neither is declared; declare one, and restart"
        )
