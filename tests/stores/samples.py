"""Specs and commits that tests of stores share."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from stores.port import Checkpoint, Commit, Put, Slot, Store, TableSpec

SLOT = Slot("orders", 0)
ORDERS = TableSpec("orders", index=("userId", "status"))
TOTALS = TableSpec("totals")
PAYMENTS = TableSpec("payments", "documents", index=("status",))
LETTERS = TableSpec("letters", "documents", index=("userId", "status"))
SPECS = (ORDERS, TOTALS, PAYMENTS)
COLLECTIONS = (LETTERS, PAYMENTS)

Rows = Mapping[str, Sequence[tuple[str, bytes | None]]]


def a_commit(checkpoint: Checkpoint, rows: Rows | None = None, position: int = 1) -> Commit:
    """What the owner of that checkpoint commits."""
    return Commit(checkpoint.slot, checkpoint.epoch, position, b"anchor", b"seen", 7, rows=rows or {})


async def acquired(store: Store, slot: Slot = SLOT, worker: str = "w1", ttl: float = 60) -> Checkpoint:
    """The checkpoint of a slot that is free."""
    checkpoint = await store.acquire(slot, worker, ttl)
    assert checkpoint is not None
    return checkpoint


async def keep(store: Store, rows: Rows, slot: Slot = SLOT) -> None:
    """Commit rows as whoever takes the slot over."""
    checkpoint = await acquired(store, slot)
    await store.commit(replace(a_commit(checkpoint, rows), position=checkpoint.position + 1))


async def put(store: Store, documents: str, values: Mapping[str, bytes]) -> None:
    """Make documents that are not there yet."""
    puts = [Put(id, value, 0) for id, value in values.items()]
    assert await store.write(documents, puts) == [True] * len(puts)


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Waits until a condition holds, and fails after a while."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)
