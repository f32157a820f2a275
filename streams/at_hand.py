"""The rows of a table that is not resident which stay in memory: the latest, as many as there is room for.

Whoever owns a slot is the only one who writes its rows, so they are what the store has. Most keys come again soon: an
order, its payment, its shipment.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from stores.port import Encoded

MOST: Final = 16 << 20
"""Bytes that stay, of each table and partition."""
OVERHEAD: Final = 500
"""Bytes that a row takes beside its value, roughly."""


class AtHand(dict[str, Encoded]):
    """Rows by key, the oldest first."""

    def __init__(self, most: int = MOST) -> None:
        """`most`: bytes that stay when a batch ends."""
        super().__init__()
        self._most = most
        self._bytes = 0

    def load(self, found: Mapping[str, Encoded]) -> None:
        """Take rows from the store. They stay until a batch ends, at the least."""
        for key, raw in found.items():
            self._take(key, raw)

    def settle(self, changes: Sequence[tuple[str, Encoded | None]]) -> None:
        """End a batch. What it has written stays, whatever room there is: the store may not have it yet."""
        for key, raw in changes:
            if raw is None:
                self._drop(key)
            else:
                self._take(key, raw)
        if self._bytes > self._most:
            self._make_room(len(self) - sum(raw is not None for _, raw in changes))

    def _make_room(self, most: int) -> None:
        """Drop the oldest rows, `most` at the most."""
        over = self._bytes - self._most
        oldest: list[str] = []
        for key, raw in islice(self.items(), most):
            if over <= 0:
                break
            oldest.append(key)
            over -= OVERHEAD + len(raw)
        for key in oldest:
            self._drop(key)

    def _take(self, key: str, raw: Encoded) -> None:
        self._drop(key)
        self[key] = raw
        self._bytes += OVERHEAD + len(raw)

    def _drop(self, key: str) -> None:
        raw = self.pop(key, None)
        if raw is not None:
            self._bytes -= OVERHEAD + len(raw)
