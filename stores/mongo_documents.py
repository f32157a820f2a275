"""Documents in MongoDB: compare-and-set by version, in batches."""

from collections.abc import Iterator, Mapping, Sequence

from pymongo import InsertOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError

from stores.documents import judge
from stores.errors import StoreError
from stores.mongo_errors import DUPLICATE, code_of
from stores.mongo_layout import Made, changing, portions, row, row_id
from stores.mongo_sessions import Bson, Database
from stores.port import Document, Put


class Overtaken(StoreError):
    """Another writer has just made one of the documents: undo the transaction and do it again."""


async def read(database: Database, documents: str, ids: Sequence[str]) -> dict[str, Document]:
    """Those that exist."""
    kept: dict[str, Document] = {}
    for part in portions(ids):
        asked = {"_id": {"$in": [row_id(0, key) for key in part]}}
        kept.update({f["k"]: Document(f["v"].encode(), f["n"]) async for f in database[documents].find(asked)})
    return kept


async def write(database: Database, session: AsyncClientSession, made: Made, puts: Sequence[Put]) -> list[bool]:
    """Each put's outcome, in a transaction. Raises Overtaken."""
    asked = {"_id": {"$in": [row_id(0, put.id) for put in puts]}}
    found = database[made.name].find(asked, {"k": 1, "n": 1}, session=session)
    current = {entry["k"]: entry["n"] async for entry in found}
    outcomes, written = judge(puts, current)
    steps = list(_steps(made, current, written))
    if steps:
        try:
            await database[made.name].bulk_write(steps, session=session)
        except BulkWriteError as error:
            if code_of(error) == DUPLICATE:
                raise Overtaken() from error
            raise
    return outcomes


def _steps(
    made: Made, current: Mapping[str, int], written: Mapping[str, Document]
) -> Iterator[InsertOne[Bson] | UpdateOne]:
    for key, document in sorted(written.items()):
        if key in current:
            now = {**changing(made, document.value), "n": document.version}
            yield UpdateOne({"_id": row_id(0, key)}, {"$set": now})
        else:
            yield InsertOne({**row(made, 0, key, document.value), "n": document.version})
