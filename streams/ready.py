"""Rows that were decoded and that nobody has had yet: whoever reads one may change it."""

from collections.abc import Iterable
from typing import Any, Final

MOST: Final = 4 << 20
"""Bytes of encoded rows whose values wait, of each table and partition. Decoded they take a few times as much."""
OVERHEAD: Final = 500
"""Bytes that a value takes beside its row's, roughly."""

NOT_READY: Final = object()


class Ready:
    """The latest values, as many as there is room for."""

    __slots__ = ("_bytes", "_most", "_offered", "_offered_bytes", "_rows")

    def __init__(self, most: int = MOST) -> None:
        """`most`: bytes of their rows."""
        self._most = most
        self._rows: dict[str, tuple[Any, int]] = {}
        self._bytes = 0
        self._offered: dict[str, tuple[Any, int]] = {}
        self._offered_bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, key: str) -> Any:
        """The value of the row as it stands, once; NOT_READY where it is to be decoded."""
        found = self._rows.pop(key, None)
        if found is None:
            return NOT_READY
        self._bytes -= found[1]
        return found[0]

    def offer(self, key: str, value: Any, size: int) -> None:
        """A value of the batch at hand, whose row has `size` bytes. `settle` makes it what stands."""
        room = OVERHEAD + size
        self._offered_bytes += room
        if self._offered_bytes <= self._most:
            self._offered[key] = (value, room)

    def settle(self, deleted: Iterable[str]) -> None:
        """End a batch."""
        if self._offered_bytes > self._most:  # most would go before anybody asks for them
            self._rows, self._bytes = {}, 0
        else:
            self._renew(deleted)
        self.forget()

    def _renew(self, deleted: Iterable[str]) -> None:
        for key in (*deleted, *self._offered):
            self.take(key)
        self._rows |= self._offered
        self._bytes += self._offered_bytes
        while self._bytes > self._most:
            self.take(next(iter(self._rows)))

    def forget(self) -> None:
        """Forget what was offered."""
        self._offered, self._offered_bytes = {}, 0
