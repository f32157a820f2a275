"""Consumes a queue of the embedded broker."""

import asyncio
from collections.abc import Sequence
from typing import Self

from streams.broker import Delivery, Details, Envelope, Lineage, Outcome
from streams.embedded.dead_letters import DeadLetters
from streams.embedded.faults import Break, Faults
from streams.embedded.journal import Entry, Journal
from streams.embedded.message import details, lineage, unpack
from streams.embedded.queue import Queue
from streams.embedded.storage import QueuedMessage
from streams.embedded.subscription import Subscription
from streams.errors import BrokerError, BrokerUnavailable, ConsumerCancelled


class Consumer(Subscription):
    """A QueueReader. A delivery is counted before it is handed out, so that a message that kills is counted too."""

    def __init__(
        self, queue: Queue, prefetch: int, journal: Journal, dead_letters: DeadLetters, faults: Faults | None
    ) -> None:
        super().__init__(queue.name)
        self._queue = queue
        self._prefetch = prefetch
        self._journal = journal
        self._dead_letters = dead_letters
        self._faults = faults
        self._unsettled: dict[int, QueuedMessage] = {}
        self._last_tag = 0
        self._taken: list[Delivery] = []
        self._counted: asyncio.Future[Outcome] | None = None
        self._broken: BrokerError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Delivery]:
        self.check()
        while not self._taken:
            await self._take()
        if self._counted is not None:
            await asyncio.shield(self._counted)
        self._fail()
        self.check()
        taken, self._taken = self._taken, []
        return taken

    async def ack(self, tags: Sequence[int]) -> None:
        messages = self._settle(tags)
        self._journal.note(Entry(removed=[message.id for message in messages]))

    async def reject(self, tag: int, *, requeue: bool) -> None:
        messages = self._settle((tag,))
        if requeue:
            self._dead_letters.give_back(self._queue, messages)
        else:
            self._dead_letters.bury(self._queue, messages, "rejected")

    def details(self, envelope: Envelope) -> Details:
        return details(envelope)

    def lineage(self, envelope: Envelope) -> Lineage:
        return lineage(envelope)

    def end(self, error: BrokerError) -> None:
        """End the subscription. A consumer that was cancelled may still settle what it has; else that is given back."""
        super().end(error)
        if isinstance(error, ConsumerCancelled) or self._broken is not None:
            return
        self._broken = error
        self._taken = []
        unsettled, self._unsettled = self._unsettled, {}
        self._dead_letters.give_back(self._queue, list(unsettled.values()))

    async def _take(self) -> None:
        room = self._prefetch - len(self._unsettled)
        if room > 0:
            await self._queue.fill()
            self.check()
            if taken := self._queue.take(room):
                self._deliver(self._dead_letters.sift(self._queue, taken))
                return
        await self.stirred()

    def _deliver(self, messages: Sequence[QueuedMessage]) -> None:
        self._taken = [self._delivery(message) for message in messages]
        self._counted = self._journal.write(Entry(delivered=[message.id for message in messages]))

    def _delivery(self, message: QueuedMessage) -> Delivery:
        self._last_tag += 1
        self._unsettled[self._last_tag] = message
        before, message.deliveries = message.deliveries, message.deliveries + 1
        return Delivery(unpack(message.data, self._last_tag), before > 0, before)

    def _settle(self, tags: Sequence[int]) -> list[QueuedMessage]:
        if self._broken is not None:
            raise self._broken
        unknown = [tag for tag in tags if tag not in self._unsettled]
        if unknown:
            raise BrokerError(f"queue {self.target!r} has no delivery {unknown[0]} to settle: settle each once")
        messages = [self._unsettled.pop(tag) for tag in tags]
        self.stir()
        return messages

    def _fail(self) -> None:
        kind = self._faults.delivering(self.target) if self._faults is not None else None
        if kind is Break.CUT:
            self.end(BrokerUnavailable(f"the connection to queue {self.target!r} was cut: consume again"))
        elif kind is Break.CANCELLED:
            self.end(ConsumerCancelled())
