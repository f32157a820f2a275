"""Who holds which slot, for stores that one process has to itself: nothing of it need outlive the process."""

from collections.abc import Callable, Mapping

from stores.port import Epoch, Holding, Roster, Slot

FURTHEST = 900
"""Seconds, more than any lease. A heartbeat that lasts for longer was made before the clock was set back."""


class Leases:
    """Heartbeats and owners by one clock, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._expires: dict[str, float] = {}
        self._owners: dict[Slot, str] = {}

    def heartbeat(self, worker: str, ttl: float) -> None:
        """`worker` is alive for `ttl` seconds more."""
        self._expires[worker] = self._clock() + ttl

    def take(self, slot: Slot, worker: str, ttl: float, *, seize: bool) -> bool:
        """Make `worker` the owner, unless another one that is alive holds the slot, or even then, by `seize`.

        A heartbeat in either case.
        """
        self.heartbeat(worker, ttl)
        owner = self._owners.get(slot, worker)
        if not seize and owner != worker and self._expires[owner] > self._clock():
            return False
        self._owners[slot] = worker
        return True

    def release(self, slot: Slot) -> None:
        """The slot has no owner."""
        self._owners.pop(slot, None)

    def roster(self, epochs: Mapping[Slot, Epoch]) -> Roster:
        """Who is alive and holds what; `epochs` are those of all slots."""
        now = self._clock()
        alive = frozenset(worker for worker, expires in self._expires.items() if expires > now)
        held = {slot: Holding(owner, epochs[slot]) for slot, owner in self._owners.items() if owner in alive}
        return Roster(alive, held)

    def clear(self) -> None:
        """Nobody owns anything, as in a new process."""
        self._expires.clear()
        self._owners.clear()
