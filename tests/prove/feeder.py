"""Puts entries in, and does not give up: what stands in the ledger is published until it is confirmed."""

import asyncio
import random
import time
from pathlib import Path
from typing import Final

from streams import Publisher
from streams.broker import Message, Outcome
from streams.delivery import unconfirmed
from streams.rabbitmq import RabbitMQ
from tests.prove import ledger
from tests.prove.subject import SERVICE, Entry, topology
from tests.servers.address import RabbitMQ as Address

USERS: Final = 8
BATCH: Final = 20
DOOMED: Final = 97
"""Of so many entries one has an amount of 0: the queue agent buries it."""
_DRIZZLE: Final = 0.25
"""Seconds between batches that are there only so that something moves, at the least."""


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Feeder:
    """Publishes as a client outside: message ids, no lanes."""

    def __init__(self, address: Address, path: Path, seed: int = 0) -> None:
        self._broker = RabbitMQ(address.amqp, address.stream, address.management)
        self._random = random.Random(seed)
        self._publisher = Publisher(self._broker, topology(), service=SERVICE, now=now, ids=self._random)
        self._ledger = path.open("a")
        self._serials = dict.fromkeys((f"u{n}" for n in range(USERS)), 0)
        self.entries = 0
        """How many are in the ledger, and confirmed once `feed` has returned."""
        self.told = 0
        """Of those, how many the queue agent tells of."""
        self.repeats = 0
        """Batches that were published again for no reason but to be a repeat."""

    async def pour(self, entries: int, over: asyncio.Event, *, pause: float) -> None:
        """Put in so many entries, and then, more slowly, as many as it takes until it is `over`."""
        while self.entries < entries:
            await self.feed(1, pause=pause)
        while not over.is_set():
            await self.feed(1, pause=max(pause, _DRIZZLE))

    async def feed(self, batches: int, *, pause: float = 0.0) -> None:
        """Put in so many batches."""
        for _ in range(batches):
            messages = [self._next() for _ in range(BATCH)]
            self._ledger.flush()
            await self._publish(messages)
            if self._random.random() < 0.02:
                self.repeats += 1
                await self._publish(messages)
            await asyncio.sleep(pause)

    def _next(self) -> Message:
        user = self._random.choice(list(self._serials))
        serial, self._serials[user] = self._serials[user], self._serials[user] + 1
        amount = 0 if self.entries % DOOMED == DOOMED - 1 else self._random.randint(1, 100)
        message = self._publisher.record("in", Entry(user, serial, amount), key=user)
        time_ = message.headers["time"]
        assert isinstance(time_, int)
        ledger.write(self._ledger, [ledger.Line(message.message_id, user, serial, amount, time_)])
        self.entries += 1
        self.told += amount > 0
        return message

    async def _publish(self, messages: list[Message]) -> None:
        while messages:
            outcomes = await self._broker.publish(messages)
            messages = unconfirmed(messages, outcomes)
            if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
                await asyncio.sleep(0.2)

    @property
    def blocked(self) -> bool:
        """Whether RabbitMQ has stopped taking what it publishes."""
        return self._broker.health().state == "blocked"

    async def close(self) -> None:
        """Ends its connections."""
        await self._broker.close()
        self._ledger.close()
