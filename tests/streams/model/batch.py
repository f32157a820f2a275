"""What the agent is: a function of its log."""

from typing import NamedTuple

from tests.streams.model.rules import Rules
from tests.streams.model.world import Line, Rows, Send

EVENTS = (0, 1, 0, 2)
"""The ids of the log's messages: the third is the first again."""
LARGEST = 2
"""Events in a batch, at most; the batch's size is anybody's choice."""


class Batch(NamedTuple):
    """What is in memory after a batch, and what it sends."""

    rows: Rows
    ids: frozenset[int]
    outbox: Line


def handled(position: int, rows: Rows, ids: frozenset[int], upto: int, rules: Rules) -> Batch:
    """The batch of the events after `position`, up to an offset. Rows count even and odd ids."""
    numbers: list[int] = []
    for offset in range(position + 1, upto + 1):
        id = EVENTS[offset]
        if id not in ids:
            ids |= {id}
            rows = (rows[0], rows[1] + 1) if id % 2 else (rows[0] + 1, rows[1])
            numbers.append(offset)
    floor = (numbers[0] if rules.honest_floor else numbers[-1]) if numbers else 0
    return Batch(rows, ids, tuple(Send(seq, floor) for seq in numbers))


CORRECT = {upto: handled(-1, (0, 0), frozenset(), upto, Rules()) for upto in range(-1, len(EVENTS))}
"""What has to be in the store at each position, and what has to have been sent."""
