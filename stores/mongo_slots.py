"""Ownership of slots in MongoDB, by the server's clock."""

from collections.abc import Callable
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from stores.leases import FURTHEST
from stores.mongo_layout import slot_id
from stores.mongo_sessions import Bson, Database
from stores.port import Checkpoint, Epoch, Holding, Roster, Slot
from stores.tables import CHECKPOINTS, WORKERS

_LATEST = {"$add": ["$$NOW", FURTHEST * 1000]}
_ALIVE = {"$expr": {"$and": [{"$gt": ["$expires", "$$NOW"]}, {"$lt": ["$expires", _LATEST]}]}}
_DAY_MS = 86_400_000


async def heartbeat(database: Database, worker: str, ttl: float) -> None:
    expires = {"$add": ["$$NOW", round(ttl * 1000)]}
    await database[WORKERS].update_one({"_id": worker}, [{"$set": {"expires": expires}}], upsert=True)


async def forget(database: Database) -> None:
    """Removes workers that have been gone for a day."""
    await database[WORKERS].delete_many({"$expr": {"$lt": ["$expires", {"$subtract": ["$$NOW", _DAY_MS]}]}})


async def roster(database: Database, session: AsyncClientSession) -> Roster:
    """In a transaction: who is alive, and what they hold."""
    workers = frozenset([found["_id"] async for found in database[WORKERS].find(_ALIVE, session=session)])
    held = database[CHECKPOINTS].find({"owner": {"$in": sorted(workers)}}, session=session)
    return Roster(workers, {slot_of(found): Holding(found["owner"], Epoch(found["epoch"])) async for found in held})


async def acquire(
    database: Database, slot: Slot, worker: str, births: Callable[[], str], *, seize: bool
) -> Checkpoint | None:
    """Raise the epoch and read the checkpoint, in one step, unless another live worker holds the slot.

    By `seize` even then.
    """
    birth = ""
    while True:
        found = await database[CHECKPOINTS].find_one({"_id": slot_id(slot)}, {"epoch": 1, "owner": 1})
        owner = found["owner"] if found is not None and not seize else None
        if owner not in {None, worker} and await _alive(database, owner):
            return None
        birth = birth or births()
        if found is None:
            await _make(database, slot, birth)
            continue
        unchanged = {"_id": slot_id(slot), "epoch": found["epoch"], "owner": found["owner"]}
        take = {"$set": {"owner": worker}, "$inc": {"epoch": 1}}
        taken = await database[CHECKPOINTS].find_one_and_update(unchanged, take, return_document=ReturnDocument.AFTER)
        if taken is not None:
            return _checkpoint(slot, taken)


async def _alive(database: Database, worker: str) -> bool:
    return await database[WORKERS].find_one({"_id": worker, **_ALIVE}) is not None


async def _make(database: Database, slot: Slot, birth: str) -> None:
    state = {"position": -1, "anchor": b"", "seen": b"", "watermark": 0, "outbox": b"", "quiet": -1}
    named = {"_id": slot_id(slot), "agent": slot.agent, "partition": slot.partition}
    try:
        await database[CHECKPOINTS].insert_one({**named, "epoch": 0, "owner": None, "birth": birth, **state})
    except DuplicateKeyError:
        # Another worker has made it meanwhile.
        return


async def release(database: Database, slot: Slot, epoch: Epoch) -> None:
    await database[CHECKPOINTS].update_one({"_id": slot_id(slot), "epoch": epoch}, {"$set": {"owner": None}})


def slot_of(found: Bson) -> Slot:
    """Whose checkpoint it is."""
    return Slot(found["agent"], found["partition"])


def _checkpoint(slot: Slot, found: dict[str, Any]) -> Checkpoint:
    names = ("position", "anchor", "seen", "watermark", "outbox", "quiet")
    return Checkpoint(slot, Epoch(found["epoch"]), found["birth"], **{name: found[name] for name in names})
