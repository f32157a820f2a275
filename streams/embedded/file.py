"""Logs and queues kept in a SQLite file, which one dedicated thread reads and writes."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from streams.embedded.chunk import ChunkHead, StoredChunk
from streams.embedded.database import Database
from streams.embedded.storage import Contents, QueuedMessage, Transaction
from streams.errors import BrokerUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class FileStorage:
    """A Storage in one file (and, while it is open, its write-ahead log beside it). One process at a time has it."""

    durable = True
    queue_window = 8_388_608

    def __init__(self, path: Path, max_bytes: int | None = None) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._opened: Database | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self, logs: Sequence[str], queues: Sequence[str]) -> Contents:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"warren-{self._path.name}")
        try:
            self._opened = await self._run(Database, self._path, self._max_bytes)
            return await self._run(self._opened.contents, logs, queues)
        except BaseException:
            await self.close()
            raise

    async def commit(self, transaction: Transaction) -> None:
        await self._run(self._database.commit, transaction)

    async def chunks(self, log: int, offset: int) -> list[StoredChunk]:
        return await self._run(self._database.chunks, log, offset)

    async def oldest(self, log: int) -> list[ChunkHead]:
        return await self._run(self._database.oldest, log)

    async def page(self, queue: int, after: int, through: int) -> list[QueuedMessage]:
        return await self._run(self._database.page, queue, after, through)

    async def probe(self, size: int) -> None:
        await self._run(self._database.probe, size)

    async def close(self) -> None:
        database, self._opened = self._opened, None
        thread, self._thread = self._thread, None
        if thread and database:
            thread.submit(database.close)
        if thread:
            await asyncio.to_thread(thread.shutdown)

    @property
    def _database(self) -> Database:
        if self._opened is None:
            raise BrokerUnavailable(f"{self._path} is closed")
        return self._opened

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._thread is None:
            raise BrokerUnavailable(f"{self._path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))
