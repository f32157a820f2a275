"""What takes a slot back in MongoDB, or puts another in its place; and how far slots have come."""

from collections.abc import Mapping

from pymongo.asynchronous.client_session import AsyncClientSession

from stores.errors import Fenced, StoreError
from stores.mongo_commit import move
from stores.mongo_layout import Made, of_partition, portions, row, slot_id
from stores.mongo_sessions import Database
from stores.mongo_slots import slot_of
from stores.port import Epoch, Reset, Slot, Standing
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS

_KEPT = (IDS, DUE, DEAD)


async def reset(database: Database, session: AsyncClientSession, reset: Reset) -> None:
    """In a transaction. Raises Fenced."""
    for table in reset.tables:
        await database[table].delete_many(of_partition(reset.slot.partition), session=session)
    for kept in _KEPT:
        await database[kept].delete_many({"slot": slot_id(reset.slot)}, session=session)
    state = {"position": reset.position, "anchor": reset.anchor, "quiet": reset.quiet}
    empty = {"seen": b"", "watermark": 0, "outbox": b""}
    birth = {} if reset.birth is None else {"birth": reset.birth}
    await move(database, session, reset.slot, reset.epoch, {**state, **empty, **birth})


async def swap(
    database: Database,
    session: AsyncClientSession,
    slot: Slot,
    epoch: Epoch,
    shadow: Slot,
    tables: Mapping[Made, Made],
) -> None:
    """In a transaction. Raises Fenced, and StoreError where the shadow is elsewhere in the log."""
    live = await database[CHECKPOINTS].find_one({"_id": slot_id(slot), "epoch": epoch}, session=session)
    other = await database[CHECKPOINTS].find_one({"_id": slot_id(shadow)}, session=session)
    if live is None:
        raise Fenced()
    if other is None or other["position"] != live["position"]:
        raise StoreError(f"{shadow} is not where {slot} is: let it come to there")
    for table, other_table in tables.items():
        await _move_rows(database, session, table, other_table, slot.partition)
    for kept in _KEPT:
        await database[kept].delete_many({"slot": slot_id(slot)}, session=session)
        renamed = {"$set": {"slot": slot_id(slot)}}
        await database[kept].update_many({"slot": slot_id(shadow)}, renamed, session=session)
    await database[CHECKPOINTS].delete_one({"_id": slot_id(shadow)}, session=session)
    await move(database, session, slot, epoch, {"seen": other["seen"], "watermark": other["watermark"]})


async def _move_rows(database: Database, session: AsyncClientSession, live: Made, shadow: Made, partition: int) -> None:
    rows = of_partition(partition)
    found = [(r["k"], r["v"].encode()) async for r in database[shadow.name].find(rows, session=session)]
    await database[live.name].delete_many(rows, session=session)
    for part in portions(found):
        moved = [row(live, partition, key, value) for key, value in part]
        await database[live.name].insert_many(moved, ordered=False, session=session)
    await database[shadow.name].delete_many(rows, session=session)


async def standings(database: Database) -> list[Standing]:
    """Of every slot, in the order of agent and partition."""
    due, dead = await _counts(database, DUE), await _counts(database, DEAD)
    found = [
        Standing(slot_of(f), f["position"], f["quiet"], due.get(f["_id"], 0), dead.get(f["_id"], 0))
        async for f in database[CHECKPOINTS].find()
    ]
    return sorted(found)


async def _counts(database: Database, kept: str) -> dict[str, int]:
    groups = await database[kept].aggregate([{"$group": {"_id": "$slot", "count": {"$sum": 1}}}])
    return {group["_id"]: int(group["count"]) async for group in groups}
