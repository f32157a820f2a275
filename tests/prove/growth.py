"""What a worker holds in the course of its life."""

from collections.abc import Mapping, Sequence
from typing import Final

PARTS: Final = 5
"""A life is told in so many parts of the same length."""

Sample = tuple[float, Mapping[str, int]]
"""When, in seconds of any clock, and what -> how much."""


def most(samples: Sequence[Sample]) -> dict[str, int]:
    """The most there was of each thing."""
    return {what: max(held[what] for _, held in samples) for what in samples[0][1]} if samples else {}


def by_part(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """The most of each thing in each part of the time; parts without a sample have what the one before had."""
    if not samples:
        return {}
    begin, end = samples[0][0], samples[-1][0]
    length = (end - begin) / PARTS or 1.0
    rows: dict[str, list[int]] = {what: [] for what in samples[0][1]}
    for number in range(PARTS):
        part = [s for s in samples if number == min(PARTS - 1, int((s[0] - begin) / length))]
        for what, row in rows.items():
            row.append(most(part)[what] if part else row[-1])
    return rows
