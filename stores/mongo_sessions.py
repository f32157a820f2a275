"""The connection to one database of MongoDB, its transactions, and what a break of it means."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pymongo
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from stores.calls import Calls
from stores.errors import StoreRefused, StoreUnavailable
from stores.mongo_errors import translated
from stores.mongo_grade import refusal

T = TypeVar("T")

Bson = dict[str, Any]
Database = AsyncDatabase[Bson]
Body = Callable[[Database, AsyncClientSession], Awaitable[T]]
"""What is done in a transaction; it may be done again, from a new state of the database."""

_WRITES = WriteConcern(w="majority", j=True)


class Sessions:
    """A client, connected between `open` and `close`."""

    def __init__(self, url: str, name: str, timeout: float) -> None:
        """`name` is the database's; `timeout` is how long a call may take, in seconds."""
        self._url = url
        self._name = name
        self._timeout = timeout
        self._client: AsyncMongoClient[Bson] | None = None
        self._calls = Calls()

    async def open(self) -> None:
        """Connect, and look what server it is. Raises StoreRefused, StoreUnavailable."""
        with translated():
            self._client = self._client or self._made()
        async with self.database() as database:
            hello = await database.client.admin.command("hello")
            reason = refusal(hello, await _engine(database))
        if reason is not None:
            raise StoreRefused(f"this MongoDB cannot keep what is promised: {reason}")

    def _made(self) -> AsyncMongoClient[Bson]:
        # Whether to try again is the caller's to say, but for COMMIT, which the driver repeats and the server knows.
        return AsyncMongoClient(
            self._url,
            appname=f"warren {self._name}",
            retryWrites=False,
            retryReads=False,
            serverSelectionTimeoutMS=round(self._timeout * 1000),
        )

    async def close(self) -> None:
        """Waits for calls under way. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await self._calls.ended()
            await client.close()

    @asynccontextmanager
    async def database(self, *, writing: bool = False) -> AsyncIterator[Database]:
        """The database. The driver's errors come as ours; for `writing` see `translated`."""
        if self._client is None:
            raise StoreUnavailable("the store is not open: call `open` first")
        with self._calls.one(), translated(writing=writing), pymongo.timeout(self._timeout):
            yield self._client.get_database(
                self._name,
                read_preference=ReadPreference.PRIMARY,
                read_concern=ReadConcern("majority"),
                write_concern=_WRITES,
            )


async def transact(database: Database, body: Body[T]) -> T:
    """What `body` returns, when all of what it did is written, on the disks of the majority.

    A body that loses against another transaction is begun again until the time is up. Where the answer to the commit is
    missing, the driver's error has the label UNKNOWN; after all others nothing was written.
    """
    async with database.client.start_session() as session:
        return await session.with_transaction(
            lambda inside: body(database, inside), ReadConcern("snapshot"), _WRITES, ReadPreference.PRIMARY
        )


async def _engine(database: Database) -> Mapping[str, object]:
    try:
        status = await database.client.admin.command("serverStatus")
    except OperationFailure:
        # Not everybody may ask.
        return {}
    engine: Mapping[str, object] = status.get("storageEngine", {})
    return engine
