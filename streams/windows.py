"""Window arithmetic over event time: pure functions of given times, in milliseconds since 1970 UTC.

Windows are aligned to 1970, as in Faust and Kafka Streams; they include their start and exclude their end.
"""

from dataclasses import dataclass
from datetime import timedelta


def milliseconds(delta: timedelta) -> int:
    """A duration in whole milliseconds."""
    return delta // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Windowing:
    """Windows of `size`, a new one beginning every `step`; kept for `expires` after their end (None: for good)."""

    size: int
    step: int
    expires: int | None = None

    def __post_init__(self) -> None:
        if self.size <= 0 or self.step <= 0 or self.step > self.size:
            raise ValueError(f"a window needs 0 < step <= size, got size {self.size} ms, step {self.step} ms")

    def starts(self, time: int) -> tuple[int, ...]:
        """Where the windows that hold this time begin, earliest first: one for tumbling, size/step for hopping."""
        last = time - time % self.step
        first = last - (self.size - 1) // self.step * self.step
        return tuple(s for s in range(first, last + 1, self.step) if s <= time < s + self.size)

    def current(self, time: int) -> int:
        """Where the latest window that holds this time begins."""
        return time - time % self.step

    def expired(self, start: int, watermark: int) -> bool:
        """Whether the window that begins at `start` is given up once events up to `watermark` were seen."""
        return self.expires is not None and start + self.size + self.expires <= watermark


def tumbling(size: timedelta, expires: timedelta | None = None) -> Windowing:
    """Windows side by side."""
    return hopping(size, size, expires)


def hopping(size: timedelta, step: timedelta, expires: timedelta | None = None) -> Windowing:
    """Windows that overlap."""
    return Windowing(milliseconds(size), milliseconds(step), None if expires is None else milliseconds(expires))
