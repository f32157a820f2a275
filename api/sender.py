"""Publishing for a request: until the broker has confirmed, or patience ends."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from api.gathering import Gathering
from api.in_flight import InFlight
from api.problems import Problem, unavailable
from streams import Publisher
from streams.broker import Message, Outcome

FIRST_DELAY = 0.05
LONGEST_DELAY = 1.0
"""Seconds between tries, doubled from the first to the longest."""


class Sender:
    """Publishes again what got LOST, under the same id: a reader that has it already knows it again."""

    def __init__(self, publisher: Publisher, patience: float) -> None:
        """`patience` in seconds, over all tries."""
        self._publisher = publisher
        self._patience = patience
        self._in_flight = InFlight()
        self._gathering = Gathering(self.send, patience)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """The outcomes, in the same order; LOST after `patience` only. Ids must differ within the call."""
        outcomes = [Outcome.LOST] * len(messages)
        try:
            async with asyncio.timeout(self._patience), self._in_flight.claim([m.message_id for m in messages]):
                await self._persist(messages, outcomes)
        except TimeoutError:
            pass
        return outcomes

    async def send_one(self, message: Message) -> None:
        """Returns once the broker has confirmed. Raises Problem (422, 503).

        It goes together with those of other requests, unless it has to wait for another event under its id.
        """
        if message.message_id in self._in_flight and message not in self._gathering:
            (outcome,) = await self.send([message])
        else:
            outcome = await self._together(message)
        if outcome is Outcome.UNROUTABLE:
            raise unroutable(message.exchange, message.routing_key)
        if outcome is not Outcome.CONFIRMED:
            raise broker_trouble(outcome)

    async def _together(self, message: Message) -> Outcome:
        try:
            return await self._gathering.send(message)
        except TimeoutError:
            return Outcome.LOST

    async def _persist(self, messages: Sequence[Message], outcomes: list[Outcome]) -> None:
        for delay in _delays():
            waiting = [index for index, outcome in enumerate(outcomes) if outcome is Outcome.LOST]
            answers = await self._publisher.publish([messages[index] for index in waiting])
            for index, answer in zip(waiting, answers, strict=True):
                outcomes[index] = answer
            if Outcome.LOST not in answers:
                return
            await asyncio.sleep(delay)


def unroutable(exchange: str, key: str) -> Problem:
    """422: nobody listens."""
    return Problem(422, "unroutable", f"no queue or log takes {key!r} from {exchange!r}: bind one in the topology")


def broker_trouble(outcome: Outcome, members: Mapping[str, object] | None = None) -> Problem:
    """503: the broker said no, or nothing."""
    if outcome is Outcome.REFUSED:
        detail = "the broker refuses it, for want of room or of a right: `/readyz` says more; send it again later"
        return unavailable("broker_refused", detail, members)
    detail = "the broker does not answer: send it again later, with the same id or key, and it counts once"
    return unavailable("broker_unavailable", detail, members)


def _delays() -> Iterator[float]:
    delay = FIRST_DELAY
    while True:
        yield delay
        delay = min(2 * delay, LONGEST_DELAY)
