"""How long it takes until everything moves again."""

import asyncio
import time
from collections.abc import Collection, Mapping
from statistics import median
from typing import Final

import asyncpg

from tests.prove.crew import PATIENCE
from tests.prove.place import Place

MOVING: Final = ("count", "tally", "settle")
"""The agents whose positions move as long as entries come in."""
_LOOK_SECONDS: Final = 0.05

Slots = Mapping[str, tuple[str, int]]
"""Agent -> (owner, position)."""
NOTHING: Final[dict[str, tuple[str, int]]] = dict.fromkeys(MOVING, ("", -1))
"""Before anything has moved."""


async def slots(place: Place) -> Slots:
    """Who owns what, and how far it has come. Raises OSError or asyncpg's errors while the database is away."""
    database = await asyncpg.connect(place.postgres, timeout=5)
    try:
        rows = await database.fetch(
            f'SELECT agent, max(owner) AS owner, sum(position)::bigint AS position FROM "{place.schema}".'
            "warren_checkpoints WHERE agent = ANY($1::text[]) GROUP BY agent",
            list(MOVING),
        )
    finally:
        await database.close()
    found = {row["agent"]: (row["owner"] or "", row["position"]) for row in rows}
    return NOTHING | found


async def moves_again(place: Place, before: Slots, agents: Collection[str]) -> float:
    """Wait until these agents have come further than before, owned by whomever; the seconds that took."""
    began = time.monotonic()
    while True:
        try:
            now = await slots(place)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            now = before
        seconds = time.monotonic() - began
        if all(now[agent][1] > before[agent][1] for agent in agents):
            return seconds
        assert seconds < PATIENCE, f"{', '.join(agents)} do not move {PATIENCE} s after the strike: {now}"
        await asyncio.sleep(_LOOK_SECONDS)


def told(seconds: Collection[float]) -> str:
    """Median and worst."""
    return f"{median(seconds):.1f} s median, {max(seconds):.1f} s worst, of {len(seconds)}" if seconds else "none"
