"""Which keys of a table that is not resident the event at hand may touch.

What is in memory depends on where batches end; what an event may read must not. So an event sees the keys that its
table's `keys=` computes from it, and those that it loaded or set itself, whatever else happens to be loaded.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from streams.errors import NotLoaded


class Place(Protocol):
    """Where a batch is: the events at hand run from `first` to `index`."""

    @property
    def serial(self) -> int: ...

    @property
    def first(self) -> int: ...

    @property
    def index(self) -> int: ...


class Scope:
    """The keys of one table that the event (or group) at hand may touch."""

    def __init__(self, table: str, place: Place, keys_of: Callable[[int], Iterable[str]]) -> None:
        """`keys_of` gives the keys that the event with this index in the batch needs."""
        self._table = table
        self._place = place
        self._keys_of = keys_of
        self._at = (-1, -1, -1)
        self._keys: set[str] = set()

    def _here(self) -> set[str]:
        place = self._place
        at = (place.serial, place.first, place.index)
        if at != self._at:
            self._at = at
            self._keys = {key for index in range(place.first, place.index + 1) for key in self._keys_of(index)}
        return self._keys

    def check(self, key: str) -> None:
        """Raises NotLoaded."""
        if key not in self._here():
            raise NotLoaded(
                f"table {self._table!r} has not loaded key {key!r} for this event: `await table.load(key)` first, "
                "or let the table's `keys=` name it"
            )

    def admit(self, keys: Iterable[str]) -> None:
        """Let the event touch these keys too."""
        self._here().update(keys)
