"""Group commit: all that was written since the last commit goes into the next one, together.

Nothing is seen by a reader before it is committed, so that what an agent has counted can never be lost under it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.broker import Outcome
from streams.embedded.chunk import ChunkHead
from streams.embedded.clock import Clock
from streams.embedded.log import Log
from streams.embedded.storage import Storage, StorageFull, Transaction
from streams.errors import BrokerUnavailable

_PAUSE = 0.5  # seconds, before what could not be written is tried again
_PROBE_BYTES = 65_536


class Target(Protocol):
    """A log or a queue."""

    def stage(self, messages: Sequence[bytes], now: int, transaction: Transaction) -> Callable[[], None]: ...


@dataclass(slots=True)
class Entry:
    """Changes that belong together: all of them are committed or none.

    An optional entry (a publish) is refused when it cannot be written; any other is tried until it can.
    """

    optional: bool = False
    messages: dict[Target, list[bytes]] = field(default_factory=dict)
    delivered: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    truncated: list[tuple[Log, Sequence[ChunkHead]]] = field(default_factory=list)
    answer: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def send(self, data: bytes, targets: Sequence[Target]) -> None:
        """Add a message to these."""
        for target in targets:
            self.messages.setdefault(target, []).append(data)

    def settle(self, outcome: Outcome) -> None:
        """Answer the writer, if it still listens."""
        if not self.answer.done():
            self.answer.set_result(outcome)


class Journal:
    """The only way to change what is kept. `problem` says why it could not be written to, until it can again."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.problem: BrokerUnavailable | None = None
        self._storage = storage
        self._clock = clock
        self._waiting: list[Entry] = []
        self._writer: asyncio.Task[None] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def full(self) -> bool:
        """Whether there was no room at the last attempt."""
        return isinstance(self.problem, StorageFull)

    def write(self, entry: Entry) -> asyncio.Future[Outcome]:
        """Commit this soon. CONFIRMED when it is kept; REFUSED (optional entries: no room) when it is not; LOST when
        that is not known, or the journal was closed before it could be."""
        self.note(entry)
        return entry.answer

    def note(self, entry: Entry) -> None:
        """Commit this soon; nobody waits for it."""
        if self._closing:
            entry.settle(Outcome.LOST)
            return
        self._waiting.append(entry)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="embedded broker: journal")

    async def flush(self) -> None:
        """Wait until all that was written is answered."""
        while self._writer is not None:
            await asyncio.wait((self._writer,))

    async def close(self) -> None:
        """Commit what waits, giving up what cannot be written."""
        self._closing = True
        await self.flush()
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait((self._probe,))

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                entries, self._waiting = self._waiting, []
                await self._write(entries)
        finally:
            self._writer = None
            _answer(self._waiting, Outcome.LOST)
            self._waiting = []

    async def _write(self, entries: Sequence[Entry]) -> None:
        try:
            await self._commit(entries)
        except BrokerUnavailable as problem:
            await self._failed(entries, problem)
        except BaseException:
            _answer(entries, Outcome.LOST)
            raise
        else:
            _answer(entries, Outcome.CONFIRMED)

    async def _commit(self, entries: Sequence[Entry]) -> None:
        transaction, committed = _stage(entries, self._clock())
        await self._storage.commit(transaction)
        for act in committed:
            act()
        if transaction.grows:
            self.problem = None

    async def _failed(self, entries: Sequence[Entry], problem: BrokerUnavailable) -> None:
        self.problem = problem
        if self._probe is None:
            self._probe = asyncio.create_task(self._look_for_room(), name="embedded broker: room")
        outcome = Outcome.REFUSED if isinstance(problem, StorageFull) else Outcome.LOST
        _answer([entry for entry in entries if entry.optional], outcome)
        kept = [entry for entry in entries if not entry.optional]
        if self._closing:
            _answer(kept, Outcome.LOST)
            return
        self._waiting[:0] = kept
        if len(kept) == len(entries):
            await asyncio.sleep(_PAUSE)

    async def _look_for_room(self) -> None:
        while self.problem is not None:
            await asyncio.sleep(2 * _PAUSE)
            try:
                await self._storage.probe(_PROBE_BYTES)
            except BrokerUnavailable:
                continue
            else:
                self.problem = None
        self._probe = None


def _stage(entries: Sequence[Entry], now: int) -> tuple[Transaction, list[Callable[[], None]]]:
    """The transaction of these entries, and what is to be done when it is committed."""
    transaction = Transaction()
    messages: dict[Target, list[bytes]] = {}
    for entry in entries:
        transaction.delivered += entry.delivered
        transaction.removed += entry.removed
        for target, some in entry.messages.items():
            messages.setdefault(target, []).extend(some)
    committed = [target.stage(some, now, transaction) for target, some in messages.items()]
    committed += [log.stage_truncation(heads, transaction) for entry in entries for log, heads in entry.truncated]
    return transaction, committed


def _answer(entries: Sequence[Entry], outcome: Outcome) -> None:
    for entry in entries:
        entry.settle(outcome)
