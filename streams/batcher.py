"""Reads and puts of concurrent handlers, sharing one query and one transaction, each with its own outcome."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from stores.port import Document, Put, Store

Read = tuple[Sequence[str], "asyncio.Future[dict[str, Document]]"]
Write = tuple[Sequence[Put], "asyncio.Future[list[bool]]"]


class Batcher:
    """Stands before a store: what is asked for while a query is under way goes into the next one, together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reads: dict[str, list[Read]] = {}
        self._writes: dict[str, list[Write]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        """As Store.read."""
        answer: asyncio.Future[dict[str, Document]] = asyncio.get_running_loop().create_future()
        waiting = self._reads.get(documents)
        if waiting is None:
            self._reads[documents] = []
            self._begin(self._read_all(documents))
        self._reads[documents].append((ids, answer))
        return await answer

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        """As Store.write."""
        answer: asyncio.Future[list[bool]] = asyncio.get_running_loop().create_future()
        waiting = self._writes.get(documents)
        if waiting is None:
            self._writes[documents] = []
            self._begin(self._write_all(documents))
        self._writes[documents].append((puts, answer))
        return await answer

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_all(self, documents: str) -> None:
        while batch := self._reads[documents]:
            self._reads[documents] = []
            ids = list(dict.fromkeys(id for asked, _ in batch for id in asked))
            try:
                found = await self._store.read(documents, ids)
            except Exception as error:
                _fail(batch, error)
                continue
            for asked, answer in batch:
                if not answer.done():
                    answer.set_result({id: found[id] for id in asked if id in found})
        del self._reads[documents]

    async def _write_all(self, documents: str) -> None:
        while batch := self._writes[documents]:
            self._writes[documents] = []
            puts = [put for asked, _ in batch for put in asked]
            try:
                written = iter(await self._store.write(documents, puts))
            except Exception as error:
                _fail(batch, error)
                continue
            for asked, answer in batch:
                outcomes = [next(written) for _ in asked]
                if not answer.done():
                    answer.set_result(outcomes)
        del self._writes[documents]


def _fail(batch: Sequence[Read] | Sequence[Write], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
