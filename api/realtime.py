"""What goes on now: tallies of the last windows, put together."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from agents.analytics.tables import ALL, MINUTE, TEN_SECONDS, Level
from agents.analytics.tally import Tally
from api.analytics_bodies import Minute, Over, Realtime, taken
from api.edge import Edge
from streams.event import moment

TENS: Final = 6
"""Windows of ten seconds in a minute."""
MINUTES: Final = 60
SHOWN: Final = 30
"""Minutes that are shown one by one."""


async def realtime(edge: Edge) -> Realtime:
    """The figures of the last 10 seconds, minute and hour, and of each of the last minutes."""
    now = moment(edge.now())
    tens = await _tallies(edge, TEN_SECONDS, _running(now, TEN_SECONDS), range(1, TENS + 1))
    minutes = await _tallies(edge, MINUTE, _running(now, MINUTE), range(MINUTES))
    return Realtime(
        at=now,
        over=[
            _over(10, [tens[max(tens)]]),
            _over(60, tens.values()),
            _over(3_600, minutes.values()),
        ],
        minutes=[_minute(start, minutes[start]) for start in sorted(minutes)[-SHOWN:]],
    )


def _running(now: datetime, level: Level) -> datetime:
    """Where the running window begins."""
    return moment(level.windows.windowing.current(round(now.timestamp() * 1000)))


async def _tallies(edge: Edge, level: Level, running: datetime, back: Iterable[int]) -> dict[datetime, Tally]:
    """The tallies of the windows so many before the running one; empty ones where nothing happened."""
    starts = [running - number * level.size for number in back]
    found = await edge.view("analytics", level.windows).windows(ALL, starts)
    return {start: found.get(start, Tally()) for start in starts}


def _over(seconds: int, tallies: Iterable[Tally]) -> Over:
    sum = Tally()
    for tally in tallies:
        sum.add(tally)
    return Over.of(sum, seconds=seconds, orders_per_minute=round(sum.orders * 60 / seconds, 2))


def _minute(start: datetime, tally: Tally) -> Minute:
    return Minute(start=start, orders=tally.orders, revenue=taken(tally))
