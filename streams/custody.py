"""Custody: a slot in the hands of a tool, and of no worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from stores.errors import StoreError
from stores.port import Checkpoint, Slot, Store
from streams.errors import StreamsError
from streams.share import TOOL


class AtWork(StreamsError):
    """A worker has this agent: stop it first."""


@asynccontextmanager
async def custody(
    slot: Slot, store: Store, tool: str, lease: float, *, seize: bool = False
) -> AsyncIterator[Checkpoint]:
    """Take a slot, keep it for as long as the context lasts, and give it back.

    From here on whatever a worker still has under way is fenced. Raises AtWork where one is at work, unless it is to be
    seized: the worker then waits, and has it again soon after the end. From another tool nothing is seized.
    """
    seize = seize and not await _in_other_hands(slot, store, tool)
    checkpoint = await store.acquire(slot, tool, lease, seize=seize)
    if checkpoint is None:
        holding = (await store.roster()).held.get(slot)
        await store.heartbeat(tool, 0)
        raise AtWork(
            f"agent {slot} is at work in worker {holding.worker if holding else 'unknown'}: stop it first; after a "
            f"kill it is free when its lease of {lease:g} s has run out"
        )
    beating = asyncio.create_task(_keep_alive(store, tool, lease))
    try:
        yield checkpoint
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await store.release(slot, checkpoint.epoch)
        await store.heartbeat(tool, 0)


async def _in_other_hands(slot: Slot, store: Store, tool: str) -> bool:
    """Whether another tool has it. Should two begin at once, epochs decide."""
    holding = (await store.roster()).held.get(slot)
    return holding is not None and holding.worker != tool and holding.worker.startswith(TOOL)


async def _keep_alive(store: Store, tool: str, lease: float) -> None:
    while True:
        await asyncio.sleep(lease / 3)
        with suppress(StoreError):  # the next one comes soon; the epoch tells if it was too late
            await store.heartbeat(tool, lease)
