"""Messages meant for one agent alone: its own due times, and dead letters of its that come back.

Such a message counts if it is still awaited: its key's due time is the one that it was sent for, its offset is that of
a dead letter. The store's rows say so, not memory. Handling it takes the row away in the commit that moves past it, so
its repeats are skipped; and since events of the same batch may set and clear due times, each message is judged only
when its turn comes.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stores.port import Commit, DueTime, Slot, Store
from streams.broker import Envelope

EARLY = 1_000
"""Ms that a due time may come too early by the log's clock: its owner's clock is another one. What comes earlier is
skipped, and sent again."""


def schedule_mark(place: str, cause: str) -> str:
    """Header `schedule`: whose due time a message is (`service/agent`), and which event set it."""
    return f"{place}/{cause}"


def only_mark(place: str, offset: int) -> str:
    """Header `only`: whose dead letter comes back (`service/agent`), and the offset that it had."""
    return f"{place}@{offset}"


@dataclass(frozen=True, slots=True)
class Marks:
    """What of the marked messages is for one agent."""

    place: str
    """`service/agent`."""
    trusted: Collection[str]
    """Users whose marks count."""

    def marked(self, envelope: Envelope) -> bool:
        """Whether it is for one agent alone, be it this one or another."""
        return bool(envelope.schedule or envelope.only) and envelope.user in self.trusted

    def cause(self, envelope: Envelope) -> str | None:
        """Of a due time of this agent, what set it."""
        place, _, cause = envelope.schedule.rpartition("/")
        return cause if place == self.place else None

    def offset(self, envelope: Envelope) -> int | None:
        """Of a dead letter of this agent, its first offset."""
        place, _, offset = envelope.only.rpartition("@")
        return int(offset) if place == self.place and offset.isascii() and offset.isdecimal() else None

    def mine(self, envelope: Envelope) -> bool:
        """Whether a marked message is for this agent."""
        return self.cause(envelope) is not None or self.offset(envelope) is not None


class Admission:
    """Judges the marked messages of one slot, and gathers what a batch changes about due times and dead letters."""

    def __init__(self, slot: Slot, store: Store, marks: Marks) -> None:
        self._slot = slot
        self._store = store
        self.marks = marks
        self._causes: dict[str, str] = {}
        self._dead: set[int] = set()
        self._due: dict[str, DueTime | None] = {}
        self._buried: dict[int, None] = {}
        self._revived: dict[int, None] = {}
        self._verdicts: dict[int, bool] = {}

    # --- judging ---

    async def look(self, envelopes: Iterable[Envelope]) -> None:
        """Ask the store about marked messages that will be judged. Every batch before must be committed."""
        mine = [envelope for envelope in envelopes if self.marks.mine(envelope)]
        keys = list({envelope.key for envelope in mine if self.marks.cause(envelope) is not None})
        offsets = list({offset for e in mine if (offset := self.marks.offset(e)) is not None})
        if keys:
            found = await self._store.causes(self._slot, keys)
            self._causes = {key: cause for key, cause in self._causes.items() if key not in keys} | found
        if offsets:
            self._dead = self._dead.difference(offsets) | await self._store.dead(self._slot, offsets)

    def admits(self, envelope: Envelope, log_time: int) -> bool:
        """Whether the message counts; if so, what it was awaited for is taken away. Its turn has come."""
        if envelope.offset not in self._verdicts:
            cause = self.marks.cause(envelope)
            verdict = self._falls_due(envelope, cause, log_time) if cause is not None else self._comes_back(envelope)
            self._verdicts[envelope.offset] = verdict
        return self._verdicts[envelope.offset]

    def skipped(self, envelope: Envelope) -> bool:
        """Whether it was judged in this batch, and does not count."""
        return self._verdicts.get(envelope.offset) is False

    def _falls_due(self, envelope: Envelope, cause: str, log_time: int) -> bool:
        key = envelope.key
        set_here = self._due.get(key)
        current = (set_here and set_here.cause) if key in self._due else self._causes.get(key)
        if current != cause or log_time < envelope.time - EARLY:
            return False
        self._due[key] = None
        return True

    def _comes_back(self, envelope: Envelope) -> bool:
        offset = self.marks.offset(envelope)
        if offset is None or offset not in self._dead or offset in self._revived:
            return False
        self._revived[offset] = None
        return True

    # --- what a batch changes ---

    def schedule(self, due: DueTime) -> None:
        """Set a key's due time, in the place of the one it has."""
        self._due[due.key] = due

    def unschedule(self, key: str) -> None:
        """Clear a key's due time, if it has one."""
        self._due[key] = None

    def bury(self, envelope: Envelope, offset: int) -> int:
        """Note that an event, of this offset, is a dead letter. A letter that came back keeps the offset it had."""
        first = self.marks.offset(envelope) if self.marks.marked(envelope) else None
        offset = offset if first is None else first
        self._revived.pop(offset, None)
        self._buried[offset] = None
        return offset

    def settle(self, commit: Commit) -> None:
        """End a batch: its changes go into its commit."""
        commit.due, commit.dead, commit.revived = self._due, list(self._buried), list(self._revived)
        self.rollback()

    def rollback(self) -> None:
        """Forget what the batch changed, and how its messages were judged."""
        self._due, self._buried, self._revived, self._verdicts = {}, {}, {}, {}
