"""Which rows of a windowed table have had their time."""

from datetime import datetime

from streams.windows import Windowing
from streams.working import DELETED, Change, Working


class Expiry:
    """The rows of one partition of a windowed table by the start of their window."""

    def __init__(self, windowing: Windowing, working: Working) -> None:
        self._windowing = windowing
        self._working = working
        self._rows: dict[int, set[str]] = {}

    def load(self) -> None:
        """Begin with the rows that the working copy holds."""
        self._rows = {}
        for text in self._working.rows:
            self._rows.setdefault(_start(text), set()).add(text)

    def mark(self, watermark: int) -> None:
        """Delete, in the batch at hand, the rows that have expired."""
        for start in [s for s in self._rows if self._windowing.expired(s, watermark)]:
            for text in self._rows[start]:
                self._working.touched[text] = DELETED
        for key in self._working.touched:
            if self._windowing.expired(_start(key), watermark):
                self._working.touched[key] = DELETED

    def settle(self, changes: list[Change]) -> None:
        """Take note of what a batch changed."""
        for text, raw in changes:
            rows = self._rows.setdefault(_start(text), set())
            if raw is None:
                rows.discard(text)
            else:
                rows.add(text)
        for start in [s for s, rows in self._rows.items() if not rows]:
            del self._rows[start]


def _start(row: str) -> int:
    return round(datetime.fromisoformat(row.rpartition("|")[2]).timestamp() * 1000)
