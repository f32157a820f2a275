"""Which rows of a windowed table have had their time."""

from bisect import bisect_left, insort
from datetime import datetime
from itertools import takewhile

from streams.windows import Windowing
from streams.working import DELETED, Change, Working


class Expiry:
    """The rows of one partition of a windowed table by the start of their window."""

    def __init__(self, windowing: Windowing, working: Working) -> None:
        self._windowing = windowing
        self._working = working
        self._rows: dict[int, set[str]] = {}
        self._starts: list[int] = []
        """Sorted: a batch looks at those that have expired, not at all windows."""

    def load(self) -> None:
        """Begin with the rows that the working copy holds."""
        self._rows = {}
        for text in self._working.rows:
            self._rows.setdefault(_start(text), set()).add(text)
        self._starts = sorted(self._rows)

    def mark(self, watermark: int) -> None:
        """Delete, in the batch at hand, the rows that have expired."""
        for start in takewhile(lambda start: self._windowing.expired(start, watermark), self._starts):
            for text in self._rows[start]:
                self._working.touched[text] = DELETED
        for key in self._working.touched:
            if self._windowing.expired(_start(key), watermark):
                self._working.touched[key] = DELETED

    def settle(self, changes: list[Change]) -> None:
        """Take note of what a batch changed."""
        for text, raw in changes:
            start = _start(text)
            if raw is not None:
                self._add(start, text)
            elif start in self._rows:
                self._discard(start, text)

    def _add(self, start: int, text: str) -> None:
        if start not in self._rows:
            self._rows[start] = set()
            insort(self._starts, start)
        self._rows[start].add(text)

    def _discard(self, start: int, text: str) -> None:
        self._rows[start].discard(text)
        if not self._rows[start]:
            del self._rows[start]
            del self._starts[bisect_left(self._starts, start)]


def _start(row: str) -> int:
    return round(datetime.fromisoformat(row.rpartition("|")[2]).timestamp() * 1000)
