"""Division: where what an agent keeps lies, once its log has another number of partitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stores.port import Checkpoint, DueTime, Encoded
from streams.codec import encode
from streams.errors import StreamsError
from streams.keys import key_of_window
from streams.source import partition_of
from streams.table import Table


class NotDivided(StreamsError):
    """Two partitions hold a row of one key, and nothing says how to put them together."""


@dataclass(frozen=True, slots=True)
class Kept:
    """All that one slot keeps."""

    checkpoint: Checkpoint
    rows: Mapping[str, Mapping[str, Encoded]]
    """Table -> key -> value."""
    due: Sequence[DueTime]
    dead: frozenset[int]
    """Offsets in the intake."""


@dataclass(slots=True)
class Moves:
    """What changes in one partition."""

    rows: dict[str, dict[str, Encoded | None]] = field(default_factory=dict)
    due: dict[str, DueTime | None] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    revived: set[int] = field(default_factory=set)


def divided(
    kept: Sequence[Kept], tables: Sequence[Table[Any]], partitions: int, dead: Mapping[int, Sequence[int]]
) -> list[Moves]:
    """What moves between partitions: those that are (`kept`, by their numbers), and those that there are to be.

    `dead`: the partitions of each dead letter's offset, several where nobody knows. Raises NotDivided.
    """
    moves = [Moves() for _ in range(max(len(kept), partitions))]
    for table in tables:
        _divide_rows(table, [slot.rows[table.name] for slot in kept], partitions, moves)
    for here, slot in enumerate(kept):
        for due in slot.due:
            there = partition_of(due.key, partitions)
            if there != here:
                moves[here].due[due.key] = None
                moves[there].due[due.key] = due
    _divide_dead(kept, dead, moves)
    return moves


def _divide_rows(
    table: Table[Any], rows: Sequence[Mapping[str, Encoded]], partitions: int, moves: Sequence[Moves]
) -> None:
    for here, present in enumerate(rows):
        for key, value in present.items():
            there = _partition_of_row(table, key, here, partitions)
            if there == here:
                continue
            moves[here].rows.setdefault(table.name, {})[key] = None
            arriving = moves[there].rows.setdefault(table.name, {})
            other = arriving.get(key) or (rows[there].get(key) if there < len(rows) else None)
            arriving[key] = value if other is None else _merged(table, key, other, value)


def _partition_of_row(table: Table[Any], row: str, here: int, partitions: int) -> int:
    """Where a row belongs. A part of a value may lie anywhere: it stays, where there is a partition to stay in."""
    if table.merge is not None:
        return here % partitions
    return partition_of(row if table.windowing is None else key_of_window(row), partitions)


def _merged(table: Table[Any], key: str, one: Encoded, other: Encoded) -> Encoded:
    if table.merge is None:
        raise NotDivided(
            f"table {table.name!r} holds {key!r} in two partitions: look which of the rows is right, and delete the "
            "other"
        )
    return encode(table.merge(table.decode(one), table.decode(other)))


def _divide_dead(kept: Sequence[Kept], partitions: Mapping[int, Sequence[int]], moves: Sequence[Moves]) -> None:
    for here, slot in enumerate(kept):
        for offset in slot.dead:
            if here not in partitions[offset]:
                moves[here].revived.add(offset)
            for there in partitions[offset]:
                moves[there].dead.add(offset)
