"""Going back: an agent reads its log again from an earlier place, and makes its tables anew.

Everything that it made is emptied in one commit, and sends stay off until the old position is reached: they were made
before. What the agent sends afterwards goes on under the same numbers. Only where the log was made anew do the numbers
begin anew too, under another lane.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stores.port import Checkpoint, Epoch, Reset, Slot, Store
from streams.broker import Broker
from streams.custody import custody
from streams.delivery import deliver
from streams.errors import StreamsError
from streams.outbox import unpack
from streams.places import Known, Places
from streams.source import Source

Target = int | datetime | Literal["first"]
"""Where to: an offset, a moment by the log's clock, or the log's beginning."""


class NotThere(StreamsError):
    """The log does not hold the place to go back to."""


@dataclass(frozen=True, slots=True)
class Rewound:
    """What a reset did to one partition."""

    slot: Slot
    before: int
    """The position it had."""
    next: int
    """The offset that is read next; -1 for the first there is."""
    quiet: int
    """Sends are off up to this offset."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """The tool for one partition of an agent."""

    agent: str
    source: Source
    tables: Sequence[str]
    store: Store
    broker: Broker
    tool: str
    """As which it takes the slot."""
    lease: float
    ids: random.Random

    async def to(self, target: Target) -> Rewound:
        """Go back. Raises AtWork, NotThere, and what stores and brokers raise; then nothing has changed."""
        slot = Slot(self.agent, self.source.partition)
        async with custody(slot, self.store, self.tool, self.lease) as checkpoint:
            # What was committed before has to be sent: afterwards nobody would.
            await deliver(self.broker, unpack(checkpoint.outbox), lambda _: None, self.ids)
            places = Places(self.broker, self.source.stream)
            known = await places.knows(checkpoint)
            reset = await self._reset(checkpoint, places, known, target)
            await self.store.reset(reset)
            return Rewound(slot, checkpoint.position, reset.position + 1 if reset.position >= 0 else -1, reset.quiet)

    async def _reset(self, checkpoint: Checkpoint, places: Places, known: Known, target: Target) -> Reset:
        position = await self._position(checkpoint, places, known, target)
        anew = known == "other"
        return Reset(
            checkpoint.slot,
            Epoch(checkpoint.epoch),
            self.tables,
            position,
            await places.fingerprint(position) if position >= 0 else b"",
            quiet=-1 if anew else max(checkpoint.position, checkpoint.quiet),
            birth=f"{self.ids.getrandbits(48):012x}" if anew else None,
        )

    async def _position(self, checkpoint: Checkpoint, places: Places, known: Known, target: Target) -> int:
        """The offset before the place to go back to. Raises NotThere."""
        extent = await places.extent()
        if target == "first":
            if extent.first > 0:
                raise NotThere(
                    f"the beginning of log {places.stream!r} is no longer kept: it begins at offset {extent.first}. "
                    f"Tables made from there lack what came before; if you want that, say so: --to {extent.first}"
                )
            return -1
        offset = await self._offset(places, target)
        if offset < extent.first or offset > extent.last + 1:
            raise NotThere(
                f"log {places.stream!r} holds the offsets {extent.first} to {extent.last}, and not {offset}: choose "
                "one of them"
            )
        if offset > checkpoint.position + 1 and known == "same":
            raise NotThere(
                f"offset {offset} lies ahead: the agent has come to {checkpoint.position}, and would never read what "
                "is between. Go back, or let it read on"
            )
        return offset - 1

    async def _offset(self, places: Places, target: Target) -> int:
        if isinstance(target, datetime):
            return await places.at(round(target.timestamp() * 1000))
        if self.source.forwarded:
            raise NotThere(
                f"log {self.source.log!r} has partitions, and each counts its own offsets: go back to `first`, or to a "
                "moment"
            )
        return int(target)
