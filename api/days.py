"""Whole days of UTC, from what clients write."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from api.problems import Problem

A_DAY: Final = timedelta(days=1)
MOST: Final = 3_660
"""Days, about ten years."""
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_USUAL: Final = 30


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `start` up to `end`, which is not one of them; both are midnights."""

    start: datetime
    end: datetime

    def __iter__(self) -> Iterator[datetime]:
        """Every day's midnight."""
        return (self.start + number * A_DAY for number in range((self.end - self.start) // A_DAY))

    def __contains__(self, midnight: datetime) -> bool:
        return self.start <= midnight < self.end


def days_between(start: str | None, end: str | None, now: datetime) -> Days:
    """The whole days that `[start, end)` touches; by default the 30 days that end with today.

    Both are dates or RFC 3339 times. Raises Problem (422).
    """
    last = _midnight_after(_instant("to", end)) if end else _midnight(now) + A_DAY
    first = _midnight(_instant("from", start)) if start else max(last - _USUAL * A_DAY, _FIRST)
    if first >= last:
        raise Problem(422, "invalid_interval", "`from` is not before `to`")
    if last - first > MOST * A_DAY:
        raise Problem(422, "invalid_interval", f"more than {MOST:,} days: ask for fewer at once")
    return Days(first, last)


def _instant(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValueError:
        raise _no_time(name) from None
    if found.tzinfo is None or not _FIRST <= found < _LAST:
        raise _no_time(name)
    return found.astimezone(UTC)


def _no_time(name: str) -> Problem:
    detail = f"`{name}` is no date (2026-01-31) and no time (2026-01-31T12:00:00Z; in a URL, + is %2B) since 1970"
    return Problem(422, "invalid_interval", detail)


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def _midnight_after(time: datetime) -> datetime:
    """The first midnight that is not before this time."""
    midnight = _midnight(time)
    return midnight if midnight == time else midnight + A_DAY
