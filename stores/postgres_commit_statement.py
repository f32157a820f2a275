"""A commit to PostgreSQL as one statement, and so as one transaction: a single message there and back.

Its first part is the fence. All others take their rows through it: they change nothing where the epoch is another, and
nothing before it holds the slot's row. They see the database as it was when the statement began, and so not what the
others change: no two of them may touch one row. What another commit of the slot has written they do see: it had its
answer before this one began, or its transaction had ended before the slot was taken again.
"""

from collections.abc import Mapping

from stores.changes import RowChanges
from stores.port import Commit
from stores.postgres_layout import Fill
from stores.rewinding import Statement
from stores.statements import quoted
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS

FilledRows = Mapping[str, tuple[Fill, RowChanges]]
"""Table -> what changes in it, and how its columns are filled."""

_MINE = "agent = $1 AND partition = $2 AND EXISTS (SELECT FROM fence)"
"""Of the slot, and behind the fence."""


def commit_statement(schema: str, commit: Commit, rows: FilledRows) -> Statement:
    """It gives a row if it has written, and none if the slot's epoch is another."""
    parts = _Parts(schema, commit)
    for table, (fill, changes) in rows.items():
        parts.rows(quoted(table, schema), fill, changes)
    parts.ids()
    parts.due()
    parts.dead()
    return parts.whole()


class _Parts:
    """The parts of one commit's statement, in the making. Whatever it is about, it has the slot for $1 and $2."""

    def __init__(self, schema: str, commit: Commit) -> None:
        self._schema = schema
        self._commit = commit
        self._arguments: list[object] = [*commit.slot, commit.epoch]
        self._parts: list[str] = []
        self._fence()

    def _bind(self, value: object) -> str:
        self._arguments.append(value)
        return f"${len(self._arguments)}"

    def _engine(self, table: str) -> str:
        return f'"{self._schema}".{table}'

    def whole(self) -> Statement:
        fence, *others = self._parts
        named = [f"fence AS ({fence})", *(f"part{number} AS ({part})" for number, part in enumerate(others))]
        return f"WITH {', '.join(named)} SELECT FROM fence", tuple(self._arguments)

    def _fence(self) -> None:
        commit, slot = self._commit, "agent = $1 AND partition = $2"
        state = ("position", "anchor", "seen", "watermark", "outbox")
        moved = [f"{name} = {self._bind(getattr(commit, name))}" for name in state]
        if commit.birth is not None:
            moved += [f"birth = {self._bind(commit.birth)}", "quiet = -1"]
        checkpoints = self._engine(CHECKPOINTS)
        self._parts.append(f"""
            UPDATE {checkpoints} SET {", ".join(moved)} WHERE {slot} AND epoch = $3 RETURNING agent, partition
        """)

    def rows(self, table: str, fill: Fill, changes: RowChanges) -> None:
        """Of a quoted table."""
        if changes.keys:
            # `ON CONFLICT` is the fastest on the whole (M: an UPDATE first gains a tenth where
            # all rows exist and loses a third where none does; COPY and MERGE are no faster).
            filled, number = fill.inserted
            texts = "".join(f", {self._bind(text)}::text[]" for text in fill.texts(changes.values))
            keys, values = self._bind(changes.keys), self._bind(changes.values)
            self._parts.append(f"""
                INSERT INTO {table} AS kept (key, partition, value{fill.names}{filled})
                SELECT key, partition, value{fill.names}{number}
                FROM fence, unnest({keys}::text[], {values}::json[]{texts}) AS changed (key, value{fill.names})
                ON CONFLICT (key, partition) DO UPDATE SET value = excluded.value{fill.updated("kept", "excluded")}
            """)
        if changes.deleted:
            gone = self._bind(changes.deleted)
            self._parts.append(f"""
                DELETE FROM {table}
                WHERE partition = $2 AND key = ANY({gone}::text[]) AND EXISTS (SELECT FROM fence)
            """)

    def ids(self) -> None:
        ids, commit = self._engine(IDS), self._commit
        if commit.forget_ids_to >= 0:
            self._parts.append(f"DELETE FROM {ids} WHERE {_MINE} AND position <= {self._bind(commit.forget_ids_to)}")
        if commit.ids is not None:
            position, log_time, packed = (
                self._bind(value) for value in (commit.ids.position, commit.ids.log_time, commit.ids.ids)
            )
            self._parts.append(f"""
                INSERT INTO {ids} (agent, partition, position, log_time, ids)
                SELECT agent, partition, {position}::bigint, {log_time}::bigint, {packed}::bytea FROM fence
                ON CONFLICT (agent, partition, position) DO UPDATE SET log_time = excluded.log_time, ids = excluded.ids
            """)

    def due(self) -> None:
        due, changes = self._engine(DUE), self._commit.due
        gone = [key for key, time in changes.items() if time is None]
        if gone:
            self._parts.append(f"DELETE FROM {due} WHERE {_MINE} AND key = ANY({self._bind(gone)}::text[])")
        columns = list(zip(*(time for time in changes.values() if time is not None), strict=True))
        if columns:
            keys, times, causes, messages = (self._bind(column) for column in columns)
            self._parts.append(f"""
                INSERT INTO {due} (agent, partition, key, at, cause, message)
                SELECT agent, partition, changed.* FROM fence,
                    unnest({keys}::text[], {times}::bigint[], {causes}::text[], {messages}::bytea[]) AS changed
                ON CONFLICT (agent, partition, key)
                DO UPDATE SET at = excluded.at, cause = excluded.cause, message = excluded.message
            """)

    def dead(self) -> None:
        dead, commit = self._engine(DEAD), self._commit
        buried = [offset for offset in commit.dead if offset not in commit.revived]
        if buried:
            self._parts.append(f"""
                INSERT INTO {dead} (agent, partition, position)
                SELECT agent, partition, unnest({self._bind(buried)}::bigint[]) FROM fence ON CONFLICT DO NOTHING
            """)
        if commit.revived:
            revived = self._bind(commit.revived)
            self._parts.append(f"DELETE FROM {dead} WHERE {_MINE} AND position = ANY({revived}::bigint[])")
