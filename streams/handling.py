"""One handler of a queue agent: the deliveries at hand, and the sends that leave when they are done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from streams.addressing import Addressing
from streams.broker import Delivery, Message
from streams.errors import DeclarationError, SendRefused
from streams.event import Event
from streams.keys import Key
from streams.record import Record
from streams.settling import Settling
from streams.topic import Draft, Topic


@dataclass(frozen=True, slots=True)
class InHand:
    """A delivery that is being handled."""

    delivery: Delivery
    queue: str
    settling: Settling
    event: Event[Any]


class Counter(Protocol):
    """The counter at which deliveries are had and given back: the queue agent."""

    async def next(self) -> InHand:
        """The next delivery that can be handled."""

    async def settle(self, hands: list[InHand], sends: list[Message]) -> None:
        """The hands are done: publish what they set off, confirmed, then acknowledge."""


class Handling:
    """The stream's feed and the sends' collector of one handler."""

    def __init__(self, counter: Counter, addressing: Addressing) -> None:
        self._counter = counter
        self._addressing = addressing
        self._sends: list[Message] = []
        self._index = 0
        self.hands: list[InHand] = []
        """What is being handled now."""
        self.again: list[InHand] = []
        """What is to be handled before anything new: a dependency was down."""

    async def values(self) -> AsyncIterator[Any]:
        """One value after another; asking for the next one settles the last one."""
        while True:
            self._take([await self._next()])
            yield self.hands[0].event.value
            await self._settle()

    async def groups(self, size: int, within: float) -> AsyncIterator[list[Any]]:
        """Values in groups, settled as a whole."""
        while True:
            self._take(await self._fill(size, within))
            yield [hand.event.value for hand in self.hands]
            await self._settle()

    async def _fill(self, size: int, within: float) -> list[InHand]:
        group = [await self._next()]
        try:
            async with asyncio.timeout(within):
                while len(group) < size:
                    group.append(await self._next())
        except TimeoutError:
            pass
        return group

    async def _next(self) -> InHand:
        return self.again.pop(0) if self.again else await self._counter.next()

    def _take(self, hands: list[InHand]) -> None:
        self.hands, self._sends, self._index = hands, [], 0

    async def _settle(self) -> None:
        hands, sends = self.hands, self._sends
        await self._counter.settle(hands, sends)
        self.hands = []

    async def finish(self) -> None:
        """The body returned: what it had is handled, as in a log agent."""
        if self.hands:
            await self._settle()

    def put_down(self) -> list[InHand]:
        """What was at hand when the handler failed; its sends are forgotten."""
        hands, self.hands, self._sends = self.hands, [], []
        return hands

    @property
    def event(self) -> Event[Any]:
        """The event at hand (of a group, the last)."""
        return self.hands[-1].event

    def regrouped(
        self, key: Callable[[Any], Key], topic: Topic[Any], wanted: tuple[Callable[[Any], bool], ...]
    ) -> None:
        """Not here."""
        raise DeclarationError("`group_by` is for agents that read a log: send the records to a log, and read that")

    def schedule(self, key: Key, at: datetime, record: Record) -> None:
        """Not here: a queue cannot be read again from where a due time was set."""
        raise SendRefused("due times belong to log agents: let one schedule it, and send it on to the queue")

    def unschedule(self, key: Key) -> None:
        """Not here."""
        raise SendRefused("due times belong to log agents: let the one that set it clear it")

    def send(self, draft: Draft) -> None:
        """Record a send of the event at hand."""
        self._sends.append(self._addressing.message(draft, self._addressing.cause(self.event), self._index))
        self._index += 1
