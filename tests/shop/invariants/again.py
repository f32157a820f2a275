"""12: repeats change nothing. 13: tables made once more from their logs are the same."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.shop.invariants.evidence import Breach, Evidence, Rows

REPEATED: Final = "repeated"
"""From the logs with every event of them twice and more."""
REBUILT: Final = "rebuilt"
"""From the logs as they are."""


def repeats_change_nothing(evidence: Evidence) -> Iterator[Breach]:
    """12."""
    yield from _same(12, evidence.tables, evidence.again.get(REPEATED, {}))


def rebuilt_is_the_same(evidence: Evidence) -> Iterator[Breach]:
    """13."""
    yield from _same(13, evidence.tables, evidence.again.get(REBUILT, {}))


def _same(number: int, live: Mapping[str, Rows], again: Mapping[str, Rows]) -> Iterator[Breach]:
    for name, rows in again.items():
        there = live.get(name, {})
        for key in sorted({*rows, *there}):
            if rows.get(key) != there.get(key):
                yield Breach(number, f"{name} {key}", f"{there.get(key)!r}, once more {rows.get(key)!r}")
