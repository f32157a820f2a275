"""A moving window: so many events of one key in any stretch of time, counted in this process. Pure: times are given."""

from collections import OrderedDict, deque
from typing import Final

KEYS: Final = 10_000
"""Counted at once; the one that was quiet for longest is forgotten for a new one."""


class MovingWindow:
    """Remembers when each key's events were admitted, and for no longer than the window."""

    def __init__(self, within: int) -> None:
        """`within` is the window's length in ms."""
        self._within = within
        self._admitted: OrderedDict[str, deque[int]] = OrderedDict()

    def take(self, key: str, most: int, now: int) -> int:
        """Admit one more event at `now` (ms) and give 0; or give the ms after which there is room, where there were
        `most`."""
        admitted = self._admitted.get(key)
        if admitted is None:
            admitted = self._admitted[key] = deque()
        self._admitted.move_to_end(key)
        while admitted and admitted[0] <= now - self._within:
            admitted.popleft()
        if len(admitted) >= most:
            return admitted[-most] + self._within - now
        admitted.append(now)
        if len(self._admitted) > KEYS:
            self._admitted.popitem(last=False)
        return 0

    def give_back(self, key: str, taken: int) -> None:
        """The event that was admitted at that time did not happen after all."""
        admitted = self._admitted.get(key)
        if admitted and taken in admitted:
            admitted.remove(taken)

    def forget(self, key: str) -> None:
        """Count this key anew."""
        self._admitted.pop(key, None)
