"""A commit in MongoDB, and what is kept of a slot beside its rows."""

from collections.abc import Iterable, Mapping, Sequence

from pymongo import DeleteMany, DeleteOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession

from stores.changes import RowChanges
from stores.errors import Fenced
from stores.mongo_layout import Made, portions, row, row_id, slot_id
from stores.mongo_sessions import Bson, Database
from stores.port import Commit, DueTime, Epoch, IdRow, Slot
from stores.tables import CHECKPOINTS, DEAD, DUE, IDS


async def write(
    database: Database, session: AsyncClientSession, commits: Sequence[tuple[Commit, Mapping[Made, RowChanges]]]
) -> None:
    """In a transaction. Raises Fenced.

    The checkpoints come last: from then on a takeover waits for this transaction, and nothing is left to do but to
    commit it.
    """
    for commit, rows in commits:
        for made, changes in rows.items():
            await _write_rows(database, session, made, commit.slot.partition, changes)
        await _write_kept(database, session, commit)
    for commit, _ in commits:
        await move(database, session, commit.slot, commit.epoch, _state(commit))


def _state(commit: Commit) -> Bson:
    reborn = {} if commit.birth is None else {"birth": commit.birth, "quiet": -1}
    return {
        "position": commit.position,
        "anchor": commit.anchor,
        "seen": commit.seen,
        "watermark": commit.watermark,
        "outbox": commit.outbox,
        **reborn,
    }


async def move(database: Database, session: AsyncClientSession, slot: Slot, epoch: Epoch, state: Bson) -> None:
    """Change a checkpoint, in a transaction. Raises Fenced."""
    mine = {"_id": slot_id(slot), "epoch": epoch}
    if not (await database[CHECKPOINTS].update_one(mine, {"$set": state}, session=session)).matched_count:
        raise Fenced()


async def _write_rows(
    database: Database, session: AsyncClientSession, made: Made, partition: int, changes: RowChanges
) -> None:
    values = list(zip(changes.keys, changes.values, strict=True))
    for part in portions(values):
        written = [row(made, partition, key, value.encode()) for key, value in part]
        puts = [ReplaceOne({"_id": put["_id"]}, put, upsert=True) for put in written]
        await database[made.name].bulk_write(puts, ordered=False, session=session)
    for keys in portions(changes.deleted):
        gone = [row_id(partition, key) for key in keys]
        await database[made.name].delete_many({"_id": {"$in": gone}}, session=session)


async def _write_kept(database: Database, session: AsyncClientSession, commit: Commit) -> None:
    slot = slot_id(commit.slot)
    if commit.forget_ids_to >= 0:
        old = {"slot": slot, "position": {"$lte": commit.forget_ids_to}}
        await database[IDS].delete_many(old, session=session)
    if commit.ids is not None:
        at = {"slot": slot, "position": commit.ids.position}
        added = {**at, "log_time": commit.ids.log_time, "ids": commit.ids.ids}
        await database[IDS].replace_one(at, added, upsert=True, session=session)
    if commit.due:
        await database[DUE].bulk_write(list(_due_steps(slot, commit.due)), session=session)
    if commit.dead or commit.revived:
        await database[DEAD].bulk_write(list(_dead_steps(slot, commit)), session=session)


def _due_steps(slot: str, due: Mapping[str, DueTime | None]) -> Iterable[ReplaceOne[Bson] | DeleteOne]:
    for key, time in due.items():
        at = {"slot": slot, "key": key}
        if time is None:
            yield DeleteOne(at)
        else:
            kept = {**at, "at": time.at, "cause": time.cause, "message": time.message}
            yield ReplaceOne(at, kept, upsert=True)


def _dead_steps(slot: str, commit: Commit) -> Iterable[ReplaceOne[Bson] | DeleteMany]:
    for position in commit.dead:
        at = {"slot": slot, "position": position}
        yield ReplaceOne(at, at, upsert=True)
    if commit.revived:
        yield DeleteMany({"slot": slot, "position": {"$in": list(commit.revived)}})


async def ids(database: Database, slot: Slot) -> list[IdRow]:
    """By position."""
    found = database[IDS].find({"slot": slot_id(slot)}).sort("position", 1)
    return [IdRow(entry["position"], entry["log_time"], entry["ids"]) async for entry in found]


async def due(database: Database, slot: Slot, until: int, limit: int) -> list[DueTime]:
    """By time and key."""
    found = database[DUE].find({"slot": slot_id(slot), "at": {"$lte": until}}).sort([("at", 1), ("key", 1)])
    return [DueTime(e["key"], e["at"], e["cause"], e["message"]) async for e in found.limit(limit)]


async def causes(database: Database, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
    """Of the due times that these keys have."""
    found: dict[str, str] = {}
    for part in portions(keys):
        asked = {"slot": slot_id(slot), "key": {"$in": list(part)}}
        found.update({entry["key"]: entry["cause"] async for entry in database[DUE].find(asked)})
    return found


async def dead(database: Database, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
    """Which of them are of dead letters; with None, all that are."""
    if offsets is None:
        return {entry["position"] async for entry in database[DEAD].find({"slot": slot_id(slot)})}
    found: set[int] = set()
    for part in portions(offsets):
        asked = {"slot": slot_id(slot), "position": {"$in": list(part)}}
        found.update([entry["position"] async for entry in database[DEAD].find(asked)])
    return found
