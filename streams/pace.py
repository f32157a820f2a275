"""How many events one commit takes: as many as the store writes well within a lease.

A commit that takes longer than the lease counts as a broken connection, and the same events are tried again: they have
to become fewer, or an agent whose rows are large would try for ever.
"""

SHARE_OF_LEASE = 0.25
"""How long a commit may take."""
FLOOR = 100
"""Events that are no reason for a commit to be slow: where fewer take long, the store is what is slow."""


class Pace:
    """Of one slot, from tenure to tenure: half as many after what was too much, twice as many after what was not."""

    def __init__(self, limit: int, lease: float) -> None:
        """Up to `limit` events; `lease` in seconds."""
        self.most = limit
        """Events that the next batch may have: one at the least."""
        self._limit = limit
        self._seconds = lease * SHARE_OF_LEASE

    def committed(self, events: int, seconds: float) -> None:
        """The store has taken so many, in this time."""
        if seconds <= self._seconds:
            self.most = min(self._limit, max(self.most, 2 * events))
        elif events:
            self.most = max(min(self.most, FLOOR), min(self.most, events) // 2)

    def too_many(self, events: int) -> None:
        """So many together were not taken, or could not be written."""
        if events:
            self.most = max(1, min(self.most, events) // 2)
