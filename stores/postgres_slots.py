"""Ownership of slots in PostgreSQL, by the server's clock."""

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from stores.leases import FURTHEST
from stores.port import Checkpoint, Epoch, Holding, Roster, Slot
from stores.tables import CHECKPOINTS, WORKERS

_FORGOTTEN_AFTER = "1 day"


class Slots:
    """The statements about slots in one schema."""

    def __init__(self, schema: str) -> None:
        slots, workers = f'"{schema}".{CHECKPOINTS}', f'"{schema}".{WORKERS}'
        # Not now(): that is when the transaction began, perhaps before it waited for another one.
        alive = f"""
            w.expires > clock_timestamp() AND w.expires < clock_timestamp() + make_interval(secs => {FURTHEST:d})
        """
        held = f"""
            SELECT FROM {workers} AS w
            WHERE w.worker = s.owner AND w.worker <> $3 AND {alive}
        """
        slot = "s.agent = $1 AND s.partition = $2"
        self._beat = f"""
            INSERT INTO {workers} AS w (worker, expires) VALUES ($1, clock_timestamp() + make_interval(secs => $2))
            ON CONFLICT (worker) DO UPDATE SET expires = excluded.expires
        """
        self._forget = f"DELETE FROM {workers} WHERE expires < clock_timestamp() - interval '{_FORGOTTEN_AFTER}'"
        self._roster = f"""
            SELECT w.worker, s.agent, s.partition, s.epoch
            FROM {workers} AS w LEFT JOIN {slots} AS s ON s.owner = w.worker WHERE {alive}
        """
        self._held = f"SELECT EXISTS (SELECT FROM {slots} AS s WHERE {slot} AND EXISTS ({held}))"
        self._make = f"""
            INSERT INTO {slots} (agent, partition, epoch, birth, position, anchor, seen, watermark, outbox)
            VALUES ($1, $2, 0, $3, -1, '', '', 0, '') ON CONFLICT DO NOTHING
        """
        self._lock = f"SELECT FROM {slots} AS s WHERE {slot} FOR UPDATE"
        self._take = f"""
            UPDATE {slots} AS s SET epoch = s.epoch + 1, owner = $3 WHERE {slot} AND ($4 OR NOT EXISTS ({held}))
            RETURNING epoch, birth, position, anchor, seen, watermark, outbox, quiet
        """
        self._release = f"UPDATE {slots} AS s SET owner = NULL WHERE {slot} AND s.epoch = $3"

    async def heartbeat(self, session: PoolConnectionProxy, worker: str, ttl: float) -> None:
        await session.execute(self._beat, worker, ttl)

    async def forget(self, session: PoolConnectionProxy) -> None:
        """Removes workers that have been gone for a day."""
        await session.execute(self._forget)

    async def roster(self, session: PoolConnectionProxy) -> Roster:
        """Who is alive, and what they hold."""
        rows = await session.fetch(self._roster)
        held = {Slot(agent, number): Holding(owner, Epoch(epoch)) for owner, agent, number, epoch in rows if agent}
        return Roster(frozenset(owner for owner, *_ in rows), held)

    async def held(self, session: PoolConnectionProxy, slot: Slot, worker: str) -> bool:
        """Whether another live worker holds the slot. Takes no lock, so that to ask never slows the owner down."""
        return bool(await session.fetchval(self._held, *slot, worker))

    async def take(
        self, session: PoolConnectionProxy, slot: Slot, worker: str, birth: str, *, seize: bool
    ) -> Checkpoint | None:
        """In a transaction: raise the epoch and read the checkpoint, unless another live worker holds the slot.

        By `seize` even then.
        """
        await session.execute(self._make, *slot, birth)
        # Before the judgement, in a statement of its own: the next one then sees what was committed while this waited.
        await session.execute(self._lock, *slot)
        row = await session.fetchrow(self._take, *slot, worker, seize)
        return None if row is None else _checkpoint(slot, row)

    async def release(self, session: PoolConnectionProxy, slot: Slot, epoch: Epoch) -> None:
        await session.execute(self._release, *slot, epoch)


def _checkpoint(slot: Slot, row: Record) -> Checkpoint:
    epoch, birth, *state = row
    return Checkpoint(slot, Epoch(epoch), birth, *state)
