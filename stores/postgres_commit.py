"""What changes a slot in PostgreSQL: commits, resets and swaps."""

from collections.abc import Mapping, Sequence

from asyncpg.pool import PoolConnectionProxy

from stores.changes import RowChanges
from stores.errors import Fenced, StoreError
from stores.port import Commit, DueTime, Epoch, Reset, Slot
from stores.postgres_layout import Fill
from stores.postgres_sessions import READ_WHOLE
from stores.rewinding import Rewinding, Statement
from stores.statements import quoted
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS

FilledRows = Mapping[str, tuple[Fill, RowChanges]]
"""Table -> what changes in it, and how its columns are filled."""

SECONDS_TO_REWIND = 3600.0
"""A whole table may have to be deleted or copied, in one statement."""


class Commits:
    """The statements of commits to one schema: one for each thing that changes, however many rows it has."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        ids = f'"{schema}".{IDS}'
        slot = "agent = $1 AND partition = $2"
        self._move = f"""
            UPDATE "{schema}".{CHECKPOINTS} SET position = $4, anchor = $5, seen = $6, watermark = $7, outbox = $8
            WHERE {slot} AND epoch = $3
        """
        self._rebear = f'UPDATE "{schema}".{CHECKPOINTS} SET birth = $3, quiet = -1 WHERE {slot}'
        self._epoch = f'SELECT epoch FROM "{schema}".{CHECKPOINTS} WHERE {slot} FOR UPDATE'
        self._forget_ids = f"DELETE FROM {ids} WHERE {slot} AND position <= $3"
        self._add_ids = f"""
            INSERT INTO {ids} (agent, partition, position, log_time, ids) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (agent, partition, position) DO UPDATE SET log_time = excluded.log_time, ids = excluded.ids
        """
        due, dead = f'"{schema}".{DUE}', f'"{schema}".{DEAD}'
        self._clear_due = f"DELETE FROM {due} WHERE {slot} AND key = ANY($3::text[])"
        self._set_due = f"""
            INSERT INTO {due} (agent, partition, key, at, cause, message)
            SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[], $5::text[], $6::bytea[])
        """
        self._bury = f"""
            INSERT INTO {dead} (agent, partition, position) SELECT $1, $2, unnest($3::bigint[]) ON CONFLICT DO NOTHING
        """
        self._revive = f"DELETE FROM {dead} WHERE {slot} AND position = ANY($3::bigint[])"
        self._rewinding = Rewinding("$", lambda table: f'"{schema}".{table}', lambda table: quoted(table, schema))

    async def write_together(self, session: PoolConnectionProxy, commits: Sequence[tuple[Commit, FilledRows]]) -> None:
        """In a transaction. Raises Fenced. They may move whole tables."""
        for commit, rows in commits:
            await self.write(session, commit, rows, SECONDS_TO_REWIND)
            if commit.birth is not None:
                await session.execute(self._rebear, *commit.slot, commit.birth)

    async def write(
        self,
        session: PoolConnectionProxy,
        commit: Commit,
        rows: FilledRows,
        seconds: float | None = None,
    ) -> None:
        """In a transaction. The first statement is the fence, and holds the slot's row until the transaction ends.

        `seconds`: how long writing a table's rows may take, where it is not what any statement may.
        """
        state = (commit.position, commit.anchor, commit.seen, commit.watermark, commit.outbox)
        if await session.execute(self._move, *commit.slot, commit.epoch, *state) != "UPDATE 1":
            raise Fenced()
        for table, (fill, changes) in rows.items():
            await self._write_rows(session, table, fill, commit.slot.partition, changes, seconds)
        await self._write_ids(session, commit)
        if commit.due:
            await self._write_due(session, commit.slot, commit.due)
        if commit.dead:
            await session.execute(self._bury, *commit.slot, commit.dead)
        if commit.revived:
            await session.execute(self._revive, *commit.slot, commit.revived)

    async def _write_rows(
        self,
        session: PoolConnectionProxy,
        table: str,
        fill: Fill,
        partition: int,
        changes: RowChanges,
        seconds: float | None,
    ) -> None:
        name = quoted(table, self._schema)
        if changes.keys:
            # `ON CONFLICT` is the fastest on the whole (M: an UPDATE first gains a tenth where
            # all rows exist and loses a third where none does; COPY and MERGE are no faster).
            filled, number = fill.inserted
            upsert = f"""
                INSERT INTO {name} AS kept (key, partition, value{fill.names}{filled})
                SELECT key, $1, value{fill.names}{number}
                FROM unnest($2::text[], $3::json[]{fill.arrays(4)}) AS changed (key, value{fill.names})
                ON CONFLICT (key, partition) DO UPDATE SET value = excluded.value{fill.updated("kept", "excluded")}
            """
            texts = fill.texts(changes.values)
            await session.execute(upsert, partition, changes.keys, changes.values, *texts, timeout=seconds)
        if changes.deleted:
            delete = f"DELETE FROM {name} WHERE partition = $1 AND key = ANY($2::text[])"
            await session.execute(delete, partition, changes.deleted, timeout=seconds)

    async def _write_ids(self, session: PoolConnectionProxy, commit: Commit) -> None:
        if commit.forget_ids_to >= 0:
            await session.execute(self._forget_ids, *commit.slot, commit.forget_ids_to)
        if commit.ids is not None:
            added = commit.ids
            await session.execute(self._add_ids, *commit.slot, added.position, added.log_time, added.ids)

    async def _write_due(self, session: PoolConnectionProxy, slot: Slot, changes: Mapping[str, DueTime | None]) -> None:
        await session.execute(self._clear_due, *slot, list(changes))
        columns = list(zip(*(due for due in changes.values() if due is not None), strict=True))
        if columns:
            await session.execute(self._set_due, *slot, *columns)

    async def reset(self, session: PoolConnectionProxy, reset: Reset) -> None:
        """In a transaction. Raises Fenced."""
        if not await _run(session, self._rewinding.reset(reset)):
            raise Fenced()

    async def swap(
        self, session: PoolConnectionProxy, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]
    ) -> None:
        """In a transaction. Raises Fenced, and StoreError where the shadow is elsewhere in the log."""
        if await session.fetchval(self._epoch, *slot) != epoch:
            raise Fenced()
        if not await _run(session, self._rewinding.swap(slot, epoch, shadow, tables)):
            raise StoreError(f"{shadow} is not where {slot} is: let it come to there")


async def _run(session: PoolConnectionProxy, statements: Sequence[Statement]) -> bool:
    """Run them all, if the first one changes a row."""
    (fence, arguments), *others = statements
    await session.execute(READ_WHOLE)
    if await session.execute(fence, *arguments, timeout=SECONDS_TO_REWIND) != "UPDATE 1":
        return False
    for statement, values in others:
        await session.execute(statement, *values, timeout=SECONDS_TO_REWIND)
    return True
