"""A gateway from MongoDB's wire protocol to DocumentDB, an engine in PostgreSQL that knows MongoDB's commands.

    python -m tests.servers.documentdb_gateway POSTGRES_URL PORT

Debian's package `postgresql-18-documentdb` brings the engine, whose commands are SQL functions over BSON, and no server
that drivers can talk to. This is as little of one as the store's tests need: it takes commands apart and hands them on;
filters, updates, sorting, indexes and conflicts are the engine's. A transaction is one of PostgreSQL with REPEATABLE
READ, which is what MongoDB calls snapshot: who writes what another has changed since, fails, and may try again. It goes
on over connections and is undone after a time, as in MongoDB. Retryable writes and cursors that outlive a transaction
are left out. It listens on 127.0.0.1, and knows no passwords.
"""

import asyncio
import struct
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import asyncpg
import bson
from asyncpg.pool import PoolConnectionProxy

LIFETIME = 20.0
"""Seconds that a transaction may take (MongoDB: transactionLifetimeLimitSeconds, 60 by default)."""
_DUPLICATE, _DUPLICATE_HERE = 11_000, 319_029_277
"""MongoDB's number, and the engine's: its SQLSTATE M001C, packed."""
_PAGE = 2**31 - 1
_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_NO_SUCH_TRANSACTION, _EXPIRED, _WRITE_CONFLICT, _NOT_FOUND, _FAILED = 251, 290, 112, 59, 8
_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_OURS = frozenset({"$db", "lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "writeConcern"})
_OF_THE_DRIVER = frozenset({"$readPreference", "$clusterTime", "maxTimeMS"})

_CALL = "SELECT p_result::bytea FROM documentdb_api.{}($1, $2::bytea::documentdb_core.bson)"
_PAGES = "SELECT cursorpage::bytea, continuation::bytea FROM documentdb_api.{}($1, $2::bytea::documentdb_core.bson)"
_MORE = """
SELECT cursorpage::bytea, continuation::bytea
FROM documentdb_api.cursor_get_more($1, $2::bytea::documentdb_core.bson, $3::bytea::documentdb_core.bson)
"""
_INDEXES = """
SELECT * FROM documentdb_api_internal.create_indexes_non_concurrently($1, $2::bytea::documentdb_core.bson, true)
"""
_DROP_INDEXES = "CALL documentdb_api.drop_indexes($1, $2::bytea::documentdb_core.bson, NULL)"
_WRITES = {"insert": "insert", "update": "update", "delete": "delete", "findAndModify": "find_and_modify"}
_READS = {
    "find": "find_cursor_first_page",
    "aggregate": "aggregate_cursor_first_page",
    "listCollections": "list_collections_cursor_first_page",
}

Document = MutableMapping[str, object]
Key = tuple[bytes, int]
"""A session and the number of its transaction."""


class CommandFailed(Exception):
    """What a driver is told instead of an answer."""

    def __init__(self, code: int, message: str, *labels: str) -> None:
        super().__init__(message)
        self.answer: Document = {"ok": 0.0, "code": code, "errmsg": message, "errorLabels": list(labels)}


@dataclass
class Transaction:
    """One of PostgreSQL, on a connection of its own. Its commands come one at a time."""

    connection: PoolConnectionProxy
    begun: asyncpg.transaction.Transaction
    ending: asyncio.TimerHandle | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Gateway:
    """Answers commands."""

    def __init__(self, pool: asyncpg.Pool, address: str) -> None:
        self._pool = pool
        self._address = address
        self._transactions: dict[Key, Transaction] = {}
        self._committed: set[Key] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def answer(self, command: Document) -> Document:
        """A command's answer, of whatever kind."""
        try:
            return await self._answer(command)
        except CommandFailed as failure:
            return failure.answer
        except asyncpg.PostgresError as error:
            return CommandFailed(_FAILED, f"{error.sqlstate}: {error}").answer

    async def _answer(self, command: Document) -> Document:
        name = next(iter(command))
        if name in {"hello", "ismaster", "isMaster"}:
            return self._hello()
        if name in {"ping", "endSessions", "killCursors"}:
            return {"ok": 1.0}
        if name in {"commitTransaction", "abortTransaction"}:
            return await self._end(_key(command), commit=name == "commitTransaction")
        if command.get("autocommit") is False:
            return await self._in_transaction(command)
        async with self._pool.acquire() as connection:
            return await _run(connection, command)

    def _hello(self) -> Document:
        member = {"hosts": [self._address], "primary": self._address, "me": self._address}
        limits = {"maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000}
        known = {"minWireVersion": 0, "maxWireVersion": 21, "logicalSessionTimeoutMinutes": 30, "readOnly": False}
        role = {"isWritablePrimary": True, "ismaster": True, "secondary": False, "setName": "documentdb"}
        return {"helloOk": True, **role, **member, **limits, **known, "localTime": datetime.now(UTC), "ok": 1.0}

    async def _in_transaction(self, command: Document) -> Document:
        key = _key(command)
        transaction = await self._begin(key) if command.get("startTransaction") else self._transactions.get(key)
        if transaction is None:
            raise CommandFailed(_NO_SUCH_TRANSACTION, "it was aborted", "TransientTransactionError")
        try:
            async with transaction.turn:
                answer = await _run(transaction.connection, command)
        except _CONFLICTS as error:
            await self._abort(key)
            raise CommandFailed(_WRITE_CONFLICT, str(error), "TransientTransactionError") from error
        except asyncpg.ConnectionDoesNotExistError as error:
            raise CommandFailed(_EXPIRED, "the transaction took too long", "TransientTransactionError") from error
        except (asyncpg.PostgresError, CommandFailed):
            await self._abort(key)
            raise
        if any("serialize" in str(error["errmsg"]) for error in _write_errors(answer)):
            await self._abort(key)
            raise CommandFailed(_WRITE_CONFLICT, "could not serialize access", "TransientTransactionError")
        return answer

    async def _begin(self, key: Key) -> Transaction:
        connection = await self._pool.acquire()
        begun = connection.transaction(isolation="repeatable_read")
        await begun.start()
        transaction = self._transactions[key] = Transaction(connection, begun)
        transaction.ending = asyncio.get_running_loop().call_later(LIFETIME, self._expire, key)
        return transaction

    def _expire(self, key: Key) -> None:
        task = asyncio.create_task(self._abort(key))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _abort(self, key: Key) -> None:
        transaction = self._taken(key)
        if transaction is not None:
            transaction.connection.terminate()
            await self._pool.release(transaction.connection)

    def _taken(self, key: Key) -> Transaction | None:
        transaction = self._transactions.pop(key, None)
        if transaction is not None and transaction.ending is not None:
            transaction.ending.cancel()
        return transaction

    async def _end(self, key: Key, *, commit: bool) -> Document:
        if commit and key in self._committed:
            return {"ok": 1.0}
        transaction = self._taken(key)
        if transaction is None:
            raise CommandFailed(_NO_SUCH_TRANSACTION, "there is no such transaction", "TransientTransactionError")
        try:
            await (transaction.begun.commit() if commit else transaction.begun.rollback())
        except _CONFLICTS as error:
            raise CommandFailed(_WRITE_CONFLICT, str(error), "TransientTransactionError") from error
        finally:
            await self._pool.release(transaction.connection)
        if commit:
            self._committed.add(key)
        return {"ok": 1.0}


def _key(command: Mapping[str, object]) -> Key:
    session, number = command.get("lsid"), command.get("txnNumber")
    if not isinstance(session, dict) or not isinstance(number, int):
        raise CommandFailed(_NO_SUCH_TRANSACTION, "a transaction needs a session and a number")
    return bytes(session["id"]), number


async def _run(connection: PoolConnectionProxy, command: Document) -> Document:
    name, database = next(iter(command)), str(command["$db"])
    kept = {key: value for key, value in command.items() if key not in _OURS | _OF_THE_DRIVER}
    if name in _WRITES:
        answer = _decoded(await connection.fetchval(_CALL.format(_WRITES[name]), database, bson.encode(kept)))
        for error in _write_errors(answer):
            error["code"] = _DUPLICATE if error["code"] == _DUPLICATE_HERE else error["code"]
        return answer
    if name in _READS:
        return await _read(connection, name, database, kept)
    match name:
        case "create":
            statement = "SELECT documentdb_api.create_collection($1, $2)"
            if not await connection.fetchval(statement, database, kept["create"]):
                raise CommandFailed(48, "the collection is there")
        case "createIndexes":
            await connection.execute(_INDEXES, database, bson.encode(kept))
        case "dropIndexes":
            await connection.execute(_DROP_INDEXES, database, bson.encode(kept))
        case "dropDatabase":
            await connection.execute("SELECT documentdb_api.drop_database($1)", database)
        case "buildInfo":
            return {"version": "7.0.0", "versionArray": [7, 0, 0, 0], "ok": 1.0}
        case _:
            raise CommandFailed(_NOT_FOUND, f"this gateway has no command {name!r}")
    return {"ok": 1.0}


async def _read(connection: PoolConnectionProxy, name: str, database: str, command: Document) -> Document:
    # All of it at once, so that no cursor is left behind.
    sized = {"batchSize": _PAGE} if name == "find" else {"cursor": {"batchSize": _PAGE}}
    spec = bson.encode({**command, **sized})
    async with connection.transaction():
        page, continuation = await connection.fetchrow(_PAGES.format(_READS[name]), database, spec) or (b"", None)
        answer = _decoded(page)
        cursor = answer["cursor"]
        assert isinstance(cursor, dict)
        while continuation is not None:
            more = bson.encode({"getMore": cursor["id"], "collection": command[name], "batchSize": _PAGE})
            page, continuation = await connection.fetchrow(_MORE, database, more, continuation) or (b"", None)
            found = _decoded(page)["cursor"]
            assert isinstance(found, dict)
            cursor["firstBatch"] += found["nextBatch"]
    cursor["id"] = bson.Int64(0)
    return answer


def _decoded(found: bytes) -> Document:
    answer: Document = bson.decode(found)
    return answer


def _write_errors(answer: Document) -> list[Document]:
    found = answer.get("writeErrors")
    return found if isinstance(found, list) else []


async def serve(url: str, port: int) -> None:
    """Answers drivers until it is cancelled."""
    # Warm ones: the engine takes tens of milliseconds to load into a new connection.
    pool = await asyncpg.create_pool(url, min_size=4, max_size=60)
    gateway = Gateway(pool, f"127.0.0.1:{port}")
    numbers = count(1)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size, request, _, kind = struct.unpack("<iiii", await reader.readexactly(16))
                command = _command(kind, await reader.readexactly(size - 16))
                body = _answered(kind, await gateway.answer(command))
                reply = _OP_REPLY if kind == _OP_QUERY else _OP_MSG
                writer.write(struct.pack("<iiii", 16 + len(body), next(numbers), request, reply) + body)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def _command(kind: int, body: bytes) -> Document:
    if kind == _OP_QUERY:
        # Of old, and how drivers still say hello: flags, a name, two numbers, a document.
        return _decoded(body[body.index(b"\0", 4) + 9 :])
    command: Document = {}
    lists: Document = {}
    at = 4
    while at < len(body):
        section, at = body[at], at + 1
        size = int.from_bytes(body[at : at + 4], "little")
        if section == 0:
            command = _decoded(body[at : at + size])
        else:
            name_end = body.index(b"\0", at + 4)
            lists[body[at + 4 : name_end].decode()] = bson.decode_all(body[name_end + 1 : at + size])
        at += size
    return {**command, **lists}


def _answered(kind: int, answer: Document) -> bytes:
    encoded = bson.encode(answer)
    return struct.pack("<iqii", 8, 0, 0, 1) + encoded if kind == _OP_QUERY else b"\0\0\0\0\0" + encoded


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
