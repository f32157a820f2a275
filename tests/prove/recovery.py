"""How long it takes until everything moves again."""

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from statistics import median
from typing import Final

import asyncpg

from tests.prove.place import Place

MOVING: Final = ("count", "tally", "settle")
"""The agents whose positions move as long as entries come in."""
LONGEST: Final = 600.0
"""Seconds that anything may take to come back. What is shown is that it does; how soon, the report tells."""
_LOOK_SECONDS: Final = 0.05
_AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database says that is killed, stopped, starting or slow."""

Slots = Mapping[str, tuple[str, int]]
"""Agent -> (owner, position)."""
NOTHING: Final[dict[str, tuple[str, int]]] = dict.fromkeys(MOVING, ("", -1))
"""Before anything has moved."""


async def slots(place: Place) -> Slots:
    """Who owns what, and how far it has come, as soon as the database tells."""
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        with suppress(*_AWAY):
            return {**NOTHING, **await _slots(place)}
        await asyncio.sleep(_LOOK_SECONDS)
    raise AssertionError(f"the database has not answered for {LONGEST:.0f} s")


async def _slots(place: Place) -> Slots:
    database = await asyncpg.connect(place.postgres, timeout=30)
    try:
        rows = await database.fetch(
            f'SELECT agent, max(owner) AS owner, sum(position)::bigint AS position FROM "{place.schema}".'
            "warren_checkpoints WHERE agent = ANY($1::text[]) GROUP BY agent",
            list(MOVING),
        )
    finally:
        await database.close(timeout=30)
    return {row["agent"]: (row["owner"] or "", row["position"]) for row in rows}


async def moves_again(place: Place, before: Slots, agents: Collection[str], *, since: float | None = None) -> float:
    """Wait until these agents have come further than before, owned by whomever; the seconds since the strike."""
    began = time.monotonic() if since is None else since
    while True:
        now = await slots(place)
        seconds = time.monotonic() - began
        if all(now[agent][1] > before[agent][1] for agent in agents):
            return seconds
        assert seconds < LONGEST, f"{', '.join(agents)} do not move {LONGEST:.0f} s after the strike: {now}"
        await asyncio.sleep(_LOOK_SECONDS)


def told(seconds: Collection[float]) -> str:
    """Median and worst."""
    return f"{median(seconds):.1f} s · {max(seconds):.1f} s" if seconds else "–"
