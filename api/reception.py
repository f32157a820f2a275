"""The events of one request on their way to the broker, in groups, each confirmed before the next."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from api.incoming import EventRefused, Parser
from api.problems import Problem
from api.sender import Sender, broker_trouble
from streams.broker import Message, Outcome
from streams.errors import SendRefused

GROUP: Final = 1_000
GROUP_BYTES: Final = 1 << 20
"""Events and bytes published at once, about: so a slow broker slows the client down, and memory stays as it is."""
SLICE: Final = 200
"""Events read before others get their turn."""
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


Group = dict[str, tuple[Message, list[int]]]
"""Message id -> the message and its places: one id is one event, however often it comes."""


class Reception:
    """Counts what became of the events so far. To be used as a context, which ends when everything is confirmed.

    While one group is under way, the next is read; when both are full, reading waits.
    """

    def __init__(self, parser: Parser, sender: Sender) -> None:
        self._parser = parser
        self._sender = sender
        self._read = 0
        self._rejected: list[Rejected] = []
        self._next: Group = {}
        self._bytes = 0
        self._room = asyncio.Event()
        self._publishing: asyncio.Task[None] | None = None
        self.accepted = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way; after an error it is let go. Raises as `take`."""
        if self._publishing is None:
            return
        if error is not None:
            self._publishing.cancel()
            await asyncio.wait([self._publishing])
            return
        await self._publishing
        self._check()

    @property
    def rejected(self) -> list[Rejected]:
        """In the request's order."""
        return sorted(self._rejected, key=lambda rejected: rejected.index)

    async def take(self, texts: Sequence[bytes | None]) -> None:
        """Publish these events. Raises Problem: 503 where the broker fails, 422 where too many are rejected."""
        read = 0
        while read < len(texts):
            read += self._parse(texts[read : read + SLICE])
            self._check()
            self._go_on()
            # Not only for room: answers of the broker, and other requests, get their turn.
            await asyncio.sleep(0)
            while self._full:
                self._room.clear()
                await self._room.wait()
                self._go_on()

    @property
    def _full(self) -> bool:
        return len(self._next) >= GROUP or self._bytes >= GROUP_BYTES

    def _parse(self, texts: Sequence[bytes | None]) -> int:
        """How many of them were read: all, or those that fill a group."""
        first = self._read
        for text in texts:
            try:
                message = self._parser.message(text)
            except (EventRefused, SendRefused) as error:
                self._reject([self._read], str(error))
            else:
                self._next.setdefault(message.message_id, (message, []))[1].append(self._read)
                self._bytes += len(message.body)
            self._read += 1
            if self._bytes >= GROUP_BYTES:
                break
        return self._read - first

    def _go_on(self) -> None:
        """See that what is waiting is published, and raise what publishing has raised."""
        if self._publishing is not None and self._publishing.done():
            self._publishing.result()
        if self._next and (self._publishing is None or self._publishing.done()):
            self._publishing = asyncio.create_task(self._publish_groups())

    async def _publish_groups(self) -> None:
        try:
            while self._next:
                group, self._next, self._bytes = self._next, {}, 0
                self._room.set()
                await self._publish(group)
        finally:
            self._room.set()

    async def _publish(self, group: Group) -> None:
        outcomes = await self._sender.send([message for message, _ in group.values()])
        for (_, places), outcome in zip(group.values(), outcomes, strict=True):
            if outcome is Outcome.CONFIRMED:
                self.accepted += len(places)
            else:
                self._reject(places, _ERRORS[outcome])
        for trouble in (Outcome.LOST, Outcome.REFUSED):
            if trouble in outcomes:
                self._give_up()
                raise broker_trouble(trouble, self._so_far())

    def _give_up(self) -> None:
        """What was read and is not published any more: the answer tells of every event that was read."""
        left, self._next, self._bytes = self._next, {}, 0
        for _, places in left.values():
            self._reject(places, "events before it were not taken, so it was not published: send it again later")

    def _reject(self, places: Sequence[int], error: str) -> None:
        self._rejected += [Rejected(index, error) for index in places]

    def _check(self) -> None:
        if len(self._rejected) > MAX_REJECTED:
            detail = f"more than {MAX_REJECTED:,} events were rejected: reading ended after `read` events"
            raise Problem(422, "too_many_rejected", detail, members=self._so_far())

    def _so_far(self) -> dict[str, object]:
        return {"accepted": self.accepted, "rejected": self.rejected, "read": self._read}
