"""The events of one request on their way to the broker, in groups, each confirmed before the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.incoming import EventRefused, Parser
from api.problems import Problem
from api.sender import Sender, broker_trouble
from streams.broker import Message, Outcome
from streams.errors import SendRefused

GROUP: Final = 500
"""Events published at once: with it a slow broker slows the client down, and memory stays as it is."""
MAX_REJECTED: Final = 1_000
"""Rejected events told in one answer; reading ends there."""

_ERRORS: Final = {
    Outcome.UNROUTABLE: "no queue or log takes it",
    Outcome.REFUSED: "the broker refused it: send it again later",
    Outcome.LOST: "the broker did not answer: send it again later",
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """`index` counts the request's events from 0."""

    index: int
    error: str


class Reception:
    """Counts what became of the events so far."""

    def __init__(self, parser: Parser, sender: Sender) -> None:
        self._parser = parser
        self._sender = sender
        self._read = 0
        self._rejected: list[Rejected] = []
        self.accepted = 0

    @property
    def rejected(self) -> list[Rejected]:
        """In the request's order."""
        return sorted(self._rejected, key=lambda rejected: rejected.index)

    async def take(self, texts: Sequence[bytes | None]) -> None:
        """Publish these events. Raises Problem: 503 where the broker fails, 422 where too many are rejected."""
        for start in range(0, len(texts), GROUP):
            await self._publish(self._parsed(texts[start : start + GROUP]))
            if len(self._rejected) > MAX_REJECTED:
                detail = f"more than {MAX_REJECTED:,} events were rejected: reading ended after `read` events"
                raise Problem(422, "too_many_rejected", detail, members=self._so_far())

    def _parsed(self, texts: Sequence[bytes | None]) -> dict[str, tuple[Message, list[int]]]:
        """Message id -> the message and its places: one id is one event, however often it comes."""
        group: dict[str, tuple[Message, list[int]]] = {}
        for index, text in enumerate(texts, self._read):
            try:
                message = self._parser.message(text)
            except (EventRefused, SendRefused) as error:
                self._rejected.append(Rejected(index, str(error)))
            else:
                group.setdefault(message.message_id, (message, []))[1].append(index)
        self._read += len(texts)
        return group

    async def _publish(self, group: dict[str, tuple[Message, list[int]]]) -> None:
        if not group:
            return
        outcomes = await self._sender.send([message for message, _ in group.values()])
        for (_, places), outcome in zip(group.values(), outcomes, strict=True):
            if outcome is Outcome.CONFIRMED:
                self.accepted += len(places)
            else:
                self._rejected += [Rejected(index, _ERRORS[outcome]) for index in places]
        for trouble in (Outcome.LOST, Outcome.REFUSED):
            if trouble in outcomes:
                raise broker_trouble(trouble, self._so_far())

    def _so_far(self) -> dict[str, object]:
        return {"accepted": self.accepted, "rejected": self.rejected, "read": self._read}
