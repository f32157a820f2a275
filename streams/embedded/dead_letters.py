"""Dead-lettering by the broker itself: what was rejected, or delivered too often, goes to the exchange `dlx`.

It stays in its queue's storage until it can go, as with RabbitMQ's strategy `at-least-once`.
"""

from collections.abc import Sequence

from streams.embedded.journal import Entry, Journal
from streams.embedded.message import moved
from streams.embedded.queue import Queue
from streams.embedded.router import Router
from streams.embedded.storage import QueuedMessage
from topology.spec import DEAD_LETTER_EXCHANGE


class DeadLetters:
    """Moves messages that were taken from their queues to where dead letters go. `problem`: why it could not, once."""

    def __init__(self, router: Router, journal: Journal) -> None:
        self.problem: str | None = None
        self._router = router
        self._journal = journal

    def give_back(self, queue: Queue, messages: Sequence[QueuedMessage]) -> None:
        """Return messages to their queue, without those that were delivered too often."""
        queue.give_back(self.sift(queue, messages))

    def sift(self, queue: Queue, messages: Sequence[QueuedMessage]) -> list[QueuedMessage]:
        """The messages without those that were delivered too often: these become dead letters."""
        limit = queue.delivery_limit
        if limit is None:
            return list(messages)
        self.bury(queue, [message for message in messages if message.deliveries > limit], "delivery_limit")
        return [message for message in messages if message.deliveries <= limit]

    def bury(self, queue: Queue, messages: Sequence[QueuedMessage], reason: str) -> None:
        """Make dead letters of messages; their routing key is the name of their queue."""
        entry = Entry()
        for message in messages:
            self._bury(queue, message, reason, entry)
        if entry.removed:
            self._journal.note(entry)

    def _bury(self, queue: Queue, message: QueuedMessage, reason: str, entry: Entry) -> None:
        data, details = moved(message.data, DEAD_LETTER_EXCHANGE, queue.name, reason)
        targets = self._router.route_if_declared(DEAD_LETTER_EXCHANGE, queue.name, details.headers)
        if targets:
            entry.send(data, targets)
            entry.removed.append(message.id)
        else:
            self.problem = (
                f"dead letters of queue {queue.name!r} cannot leave it: the exchange {DEAD_LETTER_EXCHANGE!r} "
                "leads to no log; declare them, and restart"
            )
