"""Stretches of time that figures are asked for by: whole minutes, hours, days or months of UTC."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from api.problems import Problem

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Step(StrEnum):
    """How long a stretch is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class _Length(NamedTuple):
    window: timedelta
    """Of what is kept: months are put together from days."""
    usual: int
    """Days that are asked for where the request does not say."""
    most: int
    """Days that may be asked for at once."""


_LENGTHS: Final = {
    Step.MINUTE: _Length(timedelta(minutes=1), 1, 3),
    Step.HOUR: _Length(timedelta(hours=1), 1, 92),
    Step.DAY: _Length(timedelta(days=1), 30, 3_660),
    Step.MONTH: _Length(timedelta(days=1), 365, 3_660),
}


@dataclass(frozen=True, slots=True)
class Stretches:
    """The stretches from `start` up to `end`, where the first one begins that is not meant."""

    step: Step
    start: datetime
    end: datetime

    def __iter__(self) -> Iterator[datetime]:
        """Where each begins."""
        start = self.start
        while start < self.end:
            yield start
            start = after(self.step, start)

    def __contains__(self, time: datetime) -> bool:
        return self.start <= time < self.end

    @property
    def windows(self) -> list[datetime]:
        """Where each of the windows begins that are kept of these stretches."""
        size = _LENGTHS[self.step].window
        return [self.start + number * size for number in range((self.end - self.start) // size)]

    def page(self, cursor: str | None, limit: int) -> tuple["Stretches", str | None]:
        """The first so many of them, from a cursor on, and the cursor of what follows. Raises Problem (422)."""
        start = self.start if cursor is None else self._at(cursor)
        end = start
        for _ in range(limit):
            end = min(after(self.step, end), self.end)
        return Stretches(self.step, start, end), f"{end:%Y-%m-%dT%H:%M:%SZ}" if end < self.end else None

    def _at(self, cursor: str) -> datetime:
        found = _parsed(cursor)
        if found is None or found not in self or begin(self.step, found) != found:
            raise Problem(422, "invalid_query", "`cursor` is not the `nextCursor` of a page of this query")
        return found


def begin(step: Step, time: datetime) -> datetime:
    """Where the stretch begins that a time lies in."""
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if step is Step.MONTH:
        return midnight.replace(day=1)
    return time - (time - midnight) % _LENGTHS[step].window


def after(step: Step, start: datetime) -> datetime:
    """Where the stretch begins that follows the one that begins at `start`."""
    return begin(step, start + timedelta(days=31)) if step is Step.MONTH else start + _LENGTHS[step].window


def stretches_between(start: str | None, end: str | None, now: datetime, step: Step = Step.DAY) -> Stretches:
    """The whole stretches that `[start, end)` touches; by default those of late: 30 days that end with today, and of
    other steps likewise.

    Both are dates or RFC 3339 times. Raises Problem (422).
    """
    length = _LENGTHS[step]
    last = _begin_after(step, _instant("to", end)) if end else after(step, begin(step, now))
    usual = max(last - timedelta(days=length.usual), _FIRST)
    first = begin(step, _instant("from", start) if start else usual)
    if first >= last:
        raise Problem(422, "invalid_interval", "`from` is not before `to`")
    if last - first > timedelta(days=length.most + 31 * (step is Step.MONTH)):
        raise Problem(422, "invalid_interval", f"more than {length.most:,} days: ask for fewer at once")
    return Stretches(step, first, last)


def _instant(name: str, text: str) -> datetime:
    found = _parsed(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    if found is None or not _FIRST <= found < _LAST:
        detail = f"`{name}` is no date (2026-01-31) and no time (2026-01-31T12:00:00Z; in a URL, + is %2B) since 1970"
        raise Problem(422, "invalid_interval", detail)
    return found


def _parsed(text: str) -> datetime | None:
    """None where it is no time, or one without a zone."""
    try:
        found = datetime.fromisoformat(text)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _begin_after(step: Step, time: datetime) -> datetime:
    """Where the first stretch begins that does not begin before this time."""
    first = begin(step, time)
    return first if first == time else after(step, first)
