"""How visitors' steps add up to funnels and cohorts, as functions of values."""

from bisect import bisect_left, bisect_right, insort
from typing import Final, NamedTuple

from agents.analytics.visitor import A_DAY, DAYS_KEPT, STEPS, WITHIN, Visitor

A_MINUTE: Final = 60_000
"""In milliseconds."""


class Reached(NamedTuple):
    """On a day (from 1970) a visitor has come from one depth to another."""

    day: int
    before: int
    after: int


def step(visitor: Visitor, which: int, at: int) -> list[Reached]:
    """The visitor takes a step at this time (ms): what it leads to. Once more in the same minute changes nothing."""
    minute = at // A_MINUTE
    minutes = visitor.minutes[which]
    if minute < _oldest(visitor) or minute in minutes:
        return []
    insort(minutes, minute)
    _forget(visitor)
    return _reached(visitor, _starts(visitor, which, minute))


def sign_up(visitor: Visitor, month: str) -> list[str]:
    """The visitor has made an account in this month; the months in which they have bought, before or since."""
    if visitor.signup is not None:
        return []
    visitor.signup = month
    return visitor.bought


def buy(visitor: Visitor, month: str) -> bool:
    """The visitor has bought; whether it is the first time in this month, by somebody whose cohort is known."""
    if month in visitor.bought:
        return False
    insort(visitor.bought, month)
    return visitor.signup is not None


def _starts(visitor: Visitor, which: int, minute: int) -> list[int]:
    """The first steps that a step may follow, itself where it is one."""
    views = visitor.minutes[0]
    if which == 0:
        return [minute]
    return views[bisect_left(views, minute - WITHIN) : bisect_right(views, minute)]


def _reached(visitor: Visitor, starts: list[int]) -> list[Reached]:
    best: dict[int, int] = {}
    for start in starts:
        day = start // A_DAY
        best[day] = max(best.get(day, 0), _depth(visitor, start))
    found = [Reached(day, visitor.depths.get(day, 0), depth) for day, depth in best.items()]
    found = [reached for reached in found if reached.after > reached.before]
    visitor.depths.update((reached.day, reached.after) for reached in found)
    return found


def _depth(visitor: Visitor, start: int) -> int:
    """How many steps follow one another from this first one on: always the next one that there is."""
    at, depth = start, 1
    for minutes in visitor.minutes[1:]:
        next = bisect_left(minutes, at)
        if next == len(minutes) or minutes[next] > start + WITHIN:
            break
        at, depth = minutes[next], depth + 1
    return depth


def _oldest(visitor: Visitor) -> int:
    """The minute from which on steps are kept."""
    latest = max((minutes[-1] for minutes in visitor.minutes if minutes), default=0)
    return latest - DAYS_KEPT * A_DAY


def _forget(visitor: Visitor) -> None:
    oldest = _oldest(visitor)
    for which in range(len(STEPS)):
        minutes = visitor.minutes[which]
        if minutes and minutes[0] < oldest:
            visitor.minutes[which] = minutes[bisect_left(minutes, oldest) :]
    for day in [day for day in visitor.depths if day < oldest // A_DAY]:
        del visitor.depths[day]
