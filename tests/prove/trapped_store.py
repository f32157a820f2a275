"""PostgreSQL's store with a trap before and after everything that it does for the agents `count` and `handle`."""

import asyncio
from collections.abc import Sequence
from typing import Final

from asyncpg.pool import PoolConnectionProxy

from stores.port import Checkpoint, Commit, Document, Encoded, Epoch, IdRow, Put, Slot
from stores.postgres import PostgresStore
from stores.postgres_commit import Commits
from stores.postgres_commit_statement import FilledRows
from tests.prove.spring import Spring

AGENT: Final = "count"


class TrappedCommits(Commits):
    """Passes `commit.inside` when the commit is on its way and its answer is not there: it may go through or not."""

    def __init__(self, schema: str, spring: Spring) -> None:
        super().__init__(schema)
        self._spring = spring

    async def write(
        self,
        session: PoolConnectionProxy,
        commit: Commit,
        rows: FilledRows,
        seconds: float | None = None,
    ) -> None:
        writing = asyncio.create_task(super().write(session, commit, rows, seconds))
        await asyncio.sleep(0)
        if commit.slot.agent == AGENT and commit.rows:
            self._spring.at("commit.inside")
        await writing


class TrappedStore(PostgresStore):
    """See the module's text."""

    def __init__(self, url: str, schema: str, lease: float, spring: Spring) -> None:
        super().__init__(url, schema, lease=lease)
        self._spring = spring
        self._commits = TrappedCommits(schema, spring)

    async def heartbeat(self, worker: str, ttl: float) -> None:
        self._spring.at("heartbeat.before")
        await super().heartbeat(worker, ttl)
        self._spring.at("heartbeat.after")

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        if slot.agent != AGENT:
            return await super().acquire(slot, worker, ttl, seize=seize)
        self._spring.at("acquire.before")
        checkpoint = await super().acquire(slot, worker, ttl, seize=seize)
        if checkpoint is not None:
            self._spring.publishes_again = bool(checkpoint.outbox)
            self._spring.at("acquire.after")
        return checkpoint

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        self._pass("release.before", slot.agent)
        await super().release(slot, epoch)
        self._pass("release.after", slot.agent)

    async def ids(self, slot: Slot) -> list[IdRow]:
        rows = await super().ids(slot)
        self._pass("ids.after", slot.agent)
        return rows

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        rows = await super().scan(table, partition)
        if table == "sums":
            self._spring.at("scan.after")
        return rows

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        self._spring.at("fetch.before")
        rows = await super().fetch(table, partition, keys)
        self._spring.at("fetch.after")
        return rows

    async def commit(self, commit: Commit) -> None:
        kind = "commit" if commit.rows else "clear"
        self._pass(f"{kind}.before", commit.slot.agent)
        await super().commit(commit)
        self._pass(f"{kind}.after", commit.slot.agent)

    def _pass(self, point: str, agent: str) -> None:
        if agent == AGENT:
            self._spring.at(point)

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        self._spring.at("read.before")
        found = await super().read(documents, ids)
        self._spring.at("read.after")
        return found

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        kind = "outcome" if any(b'"done"' in put.value for put in puts) else "intent"
        self._spring.at(f"{kind}.before")
        written = await super().write(documents, puts)
        self._spring.at(f"{kind}.after")
        return written
