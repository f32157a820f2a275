"""A commit's statements in PostgreSQL."""

from collections.abc import Mapping

from asyncpg.pool import PoolConnectionProxy

from stores.changes import RowChanges
from stores.errors import Fenced
from stores.port import Commit, IdRow, Slot
from stores.statements import quoted
from stores.tables import CHECKPOINTS, IDS


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
        self._ids = f"SELECT position, log_time, ids FROM {ids} WHERE {slot} ORDER BY position"
        self._forget_ids = f"DELETE FROM {ids} WHERE {slot} AND position <= $3"
        self._add_ids = f"""
            INSERT INTO {ids} (agent, partition, position, log_time, ids) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (agent, partition, position) DO UPDATE SET log_time = excluded.log_time, ids = excluded.ids
        """

    async def write(self, session: PoolConnectionProxy, commit: Commit, rows: Mapping[str, RowChanges]) -> None:
        """In a transaction. The first statement is the fence, and holds the slot's row until the transaction ends."""
        state = (commit.position, commit.anchor, commit.seen, commit.watermark, commit.outbox)
        if await session.execute(self._move, *commit.slot, commit.epoch, *state) != "UPDATE 1":
            raise Fenced()
        for table, changes in rows.items():
            await self._write_rows(session, table, commit.slot.partition, changes)
        await self._write_ids(session, commit)

    async def _write_rows(self, session: PoolConnectionProxy, table: str, partition: int, changes: RowChanges) -> None:
        name = quoted(table, self._schema)
        if changes.keys:
            # `ON CONFLICT` is the fastest on the whole (M: an UPDATE first gains a tenth where
            # all rows exist and loses a third where none does; COPY and MERGE are no faster).
            upsert = f"""
                INSERT INTO {name} (key, partition, value) SELECT key, $1, value
                FROM unnest($2::text[], $3::json[]) AS changed (key, value)
                ON CONFLICT (key, partition) DO UPDATE SET value = excluded.value
            """
            await session.execute(upsert, partition, changes.keys, changes.values)
        if changes.deleted:
            delete = f"DELETE FROM {name} WHERE partition = $1 AND key = ANY($2::text[])"
            await session.execute(delete, partition, changes.deleted)

    async def _write_ids(self, session: PoolConnectionProxy, commit: Commit) -> None:
        if commit.forget_ids_to >= 0:
            await session.execute(self._forget_ids, *commit.slot, commit.forget_ids_to)
        if commit.ids is not None:
            added = commit.ids
            await session.execute(self._add_ids, *commit.slot, added.position, added.log_time, added.ids)

    async def ids(self, session: PoolConnectionProxy, slot: Slot) -> list[IdRow]:
        return [IdRow(*row) for row in await session.fetch(self._ids, *slot)]
