"""Which slots of a service a worker is to hold, so that they are spread evenly: a function of who holds what.

Each worker decides for itself, from the same roster. Nobody gives up a slot unless it has more than its share, so a
worker that joins or leaves moves no more slots than it must.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32

from stores.port import Roster, Slot

TOOL = "tool-"
"""How the names of tools begin. They hold slots as workers do, for a while, and have no share."""


@dataclass(frozen=True, slots=True)
class Share:
    """What to do about one's share."""

    take: Sequence[Slot]
    """Free slots to take."""
    give: Sequence[Slot]
    """Slots of one's own to give up."""


def quota(worker: str, slots: Collection[Slot], roster: Roster) -> int:
    """How many of the slots are this worker's. Shares differ by one at the most; who holds most has the larger ones."""
    workers = {name for name in roster.workers | {worker} if not name.startswith(TOOL)}
    held = dict.fromkeys(workers, 0)
    for slot, holding in roster.held.items():
        if slot in slots and holding.worker in held:
            held[holding.worker] += 1
    rank = sorted(workers, key=lambda name: (-held[name], name)).index(worker)
    each, more = divmod(len(slots), len(workers))
    return each + (rank < more)


def share(worker: str, slots: Collection[Slot], roster: Roster) -> Share:
    """What this worker is to take and to give up. Workers prefer different slots, so that they seldom want the same."""
    wanted = quota(worker, slots, roster)
    by_preference = sorted(slots, key=lambda slot: crc32(f"{worker} {slot}".encode()))
    mine = [slot for slot in by_preference if slot in roster.held and roster.held[slot].worker == worker]
    free = [slot for slot in by_preference if slot not in roster.held]
    return Share(take=free[: max(0, wanted - len(mine))], give=mine[wanted:])
