"""Histograms of durations that can be added up, with a stated error.

Bins grow by a constant factor, as in DDSketch (Masson, Rim, Lee, VLDB 2019), so that any quantile is within ERROR of a
value that was there. A histogram maps bins to counts: some 550 bins for everything from a millisecond to a month.
"""

import math
from collections.abc import Mapping
from typing import Final

ERROR: Final = 0.02
"""Of a quantile, relative to the true one; a millisecond where that is more."""
_FACTOR: Final = (1 + ERROR) / (1 - ERROR)
_LOG_FACTOR: Final = math.log(_FACTOR)

Bins = dict[int, int]


def bin_of(milliseconds: int) -> int:
    """The bin of a duration; less than a millisecond counts as one."""
    return 0 if milliseconds <= 1 else math.ceil(math.log(milliseconds) / _LOG_FACTOR)


def add(bins: Bins, other: Mapping[int, int]) -> None:
    """Put the counts of another histogram into this one."""
    for bin, count in other.items():
        bins[bin] = bins.get(bin, 0) + count


def quantile(bins: Mapping[int, int], share: float) -> float | None:
    """The duration in ms that this share of all (0 < share <= 1) does not exceed; None where there are none."""
    rank = math.ceil(share * sum(bins.values()))
    if rank == 0:
        return None
    for bin in sorted(bins):
        rank -= bins[bin]
        if rank <= 0:
            return 2 * _FACTOR**bin / (1 + _FACTOR)
    raise ValueError(f"a share is at most 1, not {share}")
