"""What PostgreSQL keeps of a slot, read: ids seen, due times, dead offsets, how far it has come."""

from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy

from stores.port import DueTime, IdRow, Slot, Standing
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS


class SlotState:
    """The queries about slots in one schema."""

    def __init__(self, schema: str) -> None:
        checkpoints, ids, due, dead = (f'"{schema}".{table}' for table in (CHECKPOINTS, IDS, DUE, DEAD))
        slot = "agent = $1 AND partition = $2"
        self._ids = f"SELECT position, log_time, ids FROM {ids} WHERE {slot} ORDER BY position"
        self._due = f"""
            SELECT key, at, cause, message FROM {due} WHERE {slot} AND at <= $3 ORDER BY at, key LIMIT $4
        """
        self._causes = f"SELECT key, cause FROM {due} WHERE {slot} AND key = ANY($3::text[])"
        self._all_dead = f"SELECT position FROM {dead} WHERE {slot}"
        self._dead = f"{self._all_dead} AND position = ANY($3::bigint[])"
        same = "d.agent = c.agent AND d.partition = c.partition"
        self._standings = f"""
            SELECT agent, partition, position, quiet,
                (SELECT count(*) FROM {due} AS d WHERE {same}), (SELECT count(*) FROM {dead} AS d WHERE {same})
            FROM {checkpoints} AS c ORDER BY agent, partition
        """

    async def ids(self, session: PoolConnectionProxy, slot: Slot) -> list[IdRow]:
        return [IdRow(*row) for row in await session.fetch(self._ids, *slot)]

    async def due(self, session: PoolConnectionProxy, slot: Slot, until: int, limit: int) -> list[DueTime]:
        return [DueTime(*row) for row in await session.fetch(self._due, *slot, until, limit)]

    async def causes(self, session: PoolConnectionProxy, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        return {row["key"]: row["cause"] for row in await session.fetch(self._causes, *slot, keys)}

    async def dead(self, session: PoolConnectionProxy, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        asked = (self._all_dead, *slot) if offsets is None else (self._dead, *slot, offsets)
        return {row["position"] for row in await session.fetch(*asked)}

    async def standings(self, session: PoolConnectionProxy) -> list[Standing]:
        rows = await session.fetch(self._standings)
        return [Standing(Slot(agent, partition), *counts) for agent, partition, *counts in rows]
