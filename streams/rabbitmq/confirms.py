"""Which published messages are answered, and which are not yet: plain values, without a connection."""

import asyncio
from collections.abc import Sequence

from streams.broker import Message, Outcome


class Publication:
    """One call of `publish`: its messages and what has become of them."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.sent = 0
        """How many, from the first on, were given to a channel or decided without."""
        self._outcomes: list[Outcome | None] = [None] * len(messages)
        self._left = len(messages)
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._finish()

    def note(self, index: int, outcome: Outcome) -> None:
        """What is known of a message before it is settled; the first word counts."""
        if self._outcomes[index] is None:
            self._outcomes[index] = outcome

    def settle(self, index: int, outcome: Outcome) -> None:
        """The last word on a message, which comes once."""
        self.note(index, outcome)
        self._left -= 1
        self._finish()

    def lose_rest(self) -> None:
        """What was not sent is lost."""
        for index in range(self.sent, len(self.messages)):
            self.settle(index, Outcome.LOST)
        self.sent = len(self.messages)

    def _finish(self) -> None:
        if not self._left and not self._done.done():
            self._done.set_result(None)

    async def outcomes(self) -> list[Outcome]:
        """Wait until every message is settled."""
        await self._done
        return [outcome or Outcome.LOST for outcome in self._outcomes]


class Unanswered:
    """The messages of one channel that the broker has not yet answered, by the channel's publish sequence numbers."""

    def __init__(self) -> None:
        self.bytes = 0
        self._last = 0
        self._first = 1
        self._waiting: dict[int, tuple[Publication, int, int]] = {}
        self._ids: dict[str, int] = {}
        self._progress = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._ids

    def add(self, publication: Publication, index: int) -> None:
        """The next message of the channel."""
        message = publication.messages[index]
        size = len(message.body)
        self._last += 1
        self._waiting[self._last] = (publication, index, size)
        self._ids[message.message_id] = self._last
        self.bytes += size

    def returned(self, message_id: str | None) -> None:
        """No queue took it. The broker goes on to confirm it."""
        entry = self._waiting.get(self._ids.get(message_id or "", 0))
        if entry is not None:
            entry[0].note(entry[1], Outcome.UNROUTABLE)

    def answered(self, tag: int, outcome: Outcome, *, multiple: bool) -> None:
        """The broker's answer to one message, or to all unanswered ones up to this."""
        if multiple:
            for each in range(self._first, tag + 1):
                self._settle(each, outcome)
            self._first = max(self._first, tag + 1)
        else:
            self._settle(tag, outcome)
        self._progress.set()

    def _settle(self, tag: int, outcome: Outcome) -> None:
        entry = self._waiting.pop(tag, None)
        if entry is None:
            return
        publication, index, size = entry
        del self._ids[publication.messages[index].message_id]
        self.bytes -= size
        publication.settle(index, outcome)

    def targets(self) -> set[tuple[str, str]]:
        """The exchanges and routing keys of what is unanswered."""
        messages = (publication.messages[index] for publication, index, _ in self._waiting.values())
        return {(message.exchange, message.routing_key) for message in messages}

    def end(self, outcome: Outcome) -> None:
        """No more answers will come."""
        for tag in list(self._waiting):
            self._settle(tag, outcome)
        self._progress.set()

    async def progress(self) -> None:
        """Wait for the next answer, or the end."""
        self._progress.clear()
        await self._progress.wait()
