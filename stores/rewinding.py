"""The statements that take a slot back, or put another in its place, for every SQL store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stores.port import Epoch, Reset, Slot
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS

Statement = tuple[str, tuple[object, ...]]

_KEPT = {IDS: ("position", "log_time", "ids"), DUE: ("key", "at", "cause", "message"), DEAD: ("position",)}
"""What is kept of a slot beside its checkpoint: table -> columns after agent and partition."""


@dataclass(frozen=True, slots=True)
class Rewinding:
    """Statements in the way of one store. Of each list the first is the fence: it changes one row, or all is off."""

    mark: str
    """What goes before an argument's number: `$`, `?`."""
    engine: Callable[[str], str]
    """The name of one of the engine's tables, for SQL."""
    table: Callable[[str], str]
    """The name of a table of the service, for SQL."""

    def reset(self, reset: Reset) -> list[Statement]:
        """Delete everything that a slot has made, and move its position."""
        m, slot = self.mark, reset.slot
        move = f"""
            UPDATE {self.engine(CHECKPOINTS)}
            SET position = {m}4, anchor = {m}5, seen = {m}6, watermark = 0, outbox = {m}6, quiet = {m}7,
                birth = coalesce({m}8, birth)
            WHERE agent = {m}1 AND partition = {m}2 AND epoch = {m}3
        """
        fence = (move, (*slot, reset.epoch, reset.position, reset.anchor, b"", reset.quiet, reset.birth))
        rows: list[Statement] = [(self._delete_rows(table), (slot.partition,)) for table in reset.tables]
        return [fence, *rows, *((self._delete(table), tuple(slot)) for table in _KEPT)]

    def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> list[Statement]:
        """Put a shadow in a slot's place."""
        m, checkpoints = self.mark, self.engine(CHECKPOINTS)
        take = f"""
            UPDATE {checkpoints} AS live SET seen = shadow.seen, watermark = shadow.watermark
            FROM {checkpoints} AS shadow
            WHERE live.agent = {m}1 AND live.partition = {m}2 AND live.epoch = {m}3
            AND shadow.agent = {m}4 AND shadow.partition = {m}2 AND shadow.position = live.position
        """
        moved = [step for live, other in tables.items() for step in self._moved(live, other, slot.partition)]
        kept = [step for table, columns in _KEPT.items() for step in self._renamed(table, columns, slot, shadow)]
        return [(take, (*slot, epoch, shadow.agent)), *moved, *kept, (self._delete(CHECKPOINTS), tuple(shadow))]

    def _moved(self, live: str, shadow: str, partition: int) -> list[Statement]:
        copy = f"""
            INSERT INTO {self.table(live)} (key, partition, value)
            SELECT key, partition, value FROM {self.table(shadow)} WHERE partition = {self.mark}1
        """
        return [(statement, (partition,)) for statement in (self._delete_rows(live), copy, self._delete_rows(shadow))]

    def _renamed(self, table: str, columns: tuple[str, ...], slot: Slot, shadow: Slot) -> list[Statement]:
        m, names = self.mark, ", ".join(columns)
        copy = f"""
            INSERT INTO {self.engine(table)} (agent, partition, {names})
            SELECT {m}1, partition, {names} FROM {self.engine(table)} WHERE agent = {m}2 AND partition = {m}3
        """
        moved: Statement = (copy, (slot.agent, *shadow))
        return [(self._delete(table), tuple(slot)), moved, (self._delete(table), tuple(shadow))]

    def _delete(self, table: str) -> str:
        return f"DELETE FROM {self.engine(table)} WHERE agent = {self.mark}1 AND partition = {self.mark}2"

    def _delete_rows(self, table: str) -> str:
        return f"DELETE FROM {self.table(table)} WHERE partition = {self.mark}1"
