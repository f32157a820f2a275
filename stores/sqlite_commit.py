"""What changes a slot in SQLite, inside a transaction: commits, resets and swaps."""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from stores.changes import RowChanges, row_changes
from stores.errors import Fenced, StoreError
from stores.names import check_keys
from stores.port import Commit, DueTime, Epoch, Reset, Slot
from stores.rewinding import Rewinding, Statement
from stores.sqlite_file import transaction
from stores.statements import quoted

EPOCH = "SELECT epoch FROM warren_checkpoints WHERE agent = ? AND partition = ?"
_MOVE = """
UPDATE warren_checkpoints SET position = ?, anchor = ?, seen = ?, watermark = ?, outbox = ?
WHERE agent = ? AND partition = ? AND epoch = ?
"""
_REBEAR = "UPDATE warren_checkpoints SET birth = ?, quiet = -1 WHERE agent = ? AND partition = ?"
_ADD_IDS = "INSERT OR REPLACE INTO warren_ids (agent, partition, position, log_time, ids) VALUES (?, ?, ?, ?, ?)"
_FORGET_IDS = "DELETE FROM warren_ids WHERE agent = ? AND partition = ? AND position <= ?"
_SET_DUE = "INSERT OR REPLACE INTO warren_due (agent, partition, key, at, cause, message) VALUES (?, ?, ?, ?, ?, ?)"
_CLEAR_DUE = "DELETE FROM warren_due WHERE agent = ? AND partition = ? AND key = ?"
_BURY = "INSERT OR IGNORE INTO warren_dead (agent, partition, position) VALUES (?, ?, ?)"
_REVIVE = "DELETE FROM warren_dead WHERE agent = ? AND partition = ? AND position = ?"

_REWINDING = Rewinding("?", lambda table: table, quoted)


def packed(values: Sequence[str] | Sequence[int]) -> str:
    """Values for `json_each`: one argument, however many there are."""
    return msgspec.json.encode(values).decode()


def write_commits(db: sqlite3.Connection, commits: Sequence[Commit]) -> None:
    """All of these commits, or none. Raises Fenced."""
    prepared = [(commit, _prepared(commit)) for commit in commits]
    with transaction(db):
        for commit, changes in prepared:
            _write(db, commit, changes)


def _prepared(commit: Commit) -> list[tuple[str, RowChanges]]:
    check_keys(commit.due.keys())
    return [(quoted(table), row_changes(rows)) for table, rows in commit.rows.items() if rows]


def _write(db: sqlite3.Connection, commit: Commit, changes: Sequence[tuple[str, RowChanges]]) -> None:
    """In a transaction. Raises Fenced."""
    state = (commit.position, commit.anchor, commit.seen, commit.watermark, commit.outbox)
    if not db.execute(_MOVE, (*state, *commit.slot, commit.epoch)).rowcount:
        raise Fenced()
    if commit.birth is not None:
        db.execute(_REBEAR, (commit.birth, *commit.slot))
    for table, change in changes:
        _write_rows(db, table, commit.slot.partition, change)
    _write_ids(db, commit)
    _write_due(db, commit.slot, commit.due)
    db.executemany(_BURY, [(*commit.slot, offset) for offset in commit.dead])
    db.executemany(_REVIVE, [(*commit.slot, offset) for offset in commit.revived])


def _write_rows(db: sqlite3.Connection, table: str, partition: int, change: RowChanges) -> None:
    upsert = f"""
        INSERT INTO {table} (key, partition, value) VALUES (?, {partition:d}, ?)
        ON CONFLICT (key, partition) DO UPDATE SET value = excluded.value
    """
    db.executemany(upsert, zip(change.keys, change.values, strict=True))
    delete = f"DELETE FROM {table} WHERE key = ? AND partition = {partition:d}"
    db.executemany(delete, ((key,) for key in change.deleted))


def _write_ids(db: sqlite3.Connection, commit: Commit) -> None:
    if commit.forget_ids_to >= 0:
        db.execute(_FORGET_IDS, (*commit.slot, commit.forget_ids_to))
    if commit.ids is not None:
        db.execute(_ADD_IDS, (*commit.slot, commit.ids.position, commit.ids.log_time, commit.ids.ids))


def _write_due(db: sqlite3.Connection, slot: Slot, changes: Mapping[str, DueTime | None]) -> None:
    for key, due in changes.items():
        if due is None:
            db.execute(_CLEAR_DUE, (*slot, key))
        else:
            db.execute(_SET_DUE, (*slot, *due))


def write_reset(db: sqlite3.Connection, reset: Reset) -> None:
    """Take a slot back. Raises Fenced."""
    with transaction(db):
        if not _run(db, _REWINDING.reset(reset)):
            raise Fenced()


def write_swap(db: sqlite3.Connection, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
    """Put a shadow in a slot's place. Raises Fenced, and StoreError where it is elsewhere in the log."""
    with transaction(db):
        if db.execute(EPOCH, slot).fetchone() != (epoch,):
            raise Fenced()
        if not _run(db, _REWINDING.swap(slot, epoch, shadow, tables)):
            raise StoreError(f"{shadow} is not where {slot} is: let it come to there")


def _run(db: sqlite3.Connection, statements: Sequence[Statement]) -> bool:
    """Run them all, if the first one changes a row."""
    (fence, arguments), *others = statements
    if not db.execute(fence, arguments).rowcount:
        return False
    for statement, values in others:
        db.execute(statement, values)
    return True
