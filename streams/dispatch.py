"""Sends of concurrent handlers, published together: many at once cost a broker a fraction of what each costs alone."""

import asyncio
import random
from collections.abc import Sequence

from streams.broker import Broker, Message, Outcome
from streams.delivery import Trouble, deliver, unconfirmed

Post = tuple[Sequence[Message], "asyncio.Future[list[Outcome]]"]


class Dispatch:
    """What handlers send while a publish is under way goes into the next one; each hears of its own messages alone."""

    def __init__(self, broker: Broker, trouble: Trouble, jitter: random.Random) -> None:
        self._broker = broker
        self._trouble = trouble
        self._jitter = jitter
        self._waiting: list[Post] = []
        self._publishing: asyncio.Task[None] | None = None

    async def deliver(self, messages: Sequence[Message]) -> None:
        """As `streams.delivery.deliver`. What fails is sent again without the others: nobody waits for a neighbour."""
        rest = unconfirmed(messages, await self._publish(messages))
        if rest:
            await deliver(self._broker, rest, self._trouble, self._jitter)

    async def _publish(self, messages: Sequence[Message]) -> list[Outcome]:
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.append((messages, answer))
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish_all())
        return await answer

    async def _publish_all(self) -> None:
        while self._waiting:
            posts, self._waiting = self._waiting, []
            try:
                outcomes = iter(await self._broker.publish([message for sent, _ in posts for message in sent]))
            except Exception as error:
                for _, answer in posts:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for sent, answer in posts:
                own = [next(outcomes) for _ in sent]
                if not answer.done():
                    answer.set_result(own)
