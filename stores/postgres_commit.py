"""What changes a slot in PostgreSQL: commits, resets and swaps."""

from collections.abc import Mapping, Sequence

from asyncpg.pool import PoolConnectionProxy

from stores.errors import Fenced, StoreError
from stores.port import Commit, Epoch, Reset, Slot
from stores.postgres_commit_statement import FilledRows, commit_statement
from stores.postgres_sessions import READ_WHOLE
from stores.rewinding import Rewinding, Statement
from stores.statements import quoted
from stores.tables import CHECKPOINTS

SECONDS_TO_REWIND = 3600.0
"""A whole table may have to be deleted or copied, in one statement."""


class Commits:
    """What is done to the slots of one schema."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._epoch = f"""
            SELECT epoch FROM "{schema}".{CHECKPOINTS} WHERE agent = $1 AND partition = $2 FOR UPDATE
        """
        self._rewinding = Rewinding("$", lambda table: f'"{schema}".{table}', lambda table: quoted(table, schema))

    async def write_together(self, session: PoolConnectionProxy, commits: Sequence[tuple[Commit, FilledRows]]) -> None:
        """In a transaction. Raises Fenced. They may move whole tables."""
        for commit, rows in commits:
            await self.write(session, commit, rows, SECONDS_TO_REWIND)

    async def write(
        self, session: PoolConnectionProxy, commit: Commit, rows: FilledRows, seconds: float | None = None
    ) -> None:
        """All of a commit, or nothing. Raises Fenced.

        `seconds`: how long it may take, where that is not what any statement may.
        """
        statement, arguments = commit_statement(self._schema, commit, rows)
        if await session.execute(statement, *arguments, timeout=seconds) != "SELECT 1":
            raise Fenced()

    async def reset(self, session: PoolConnectionProxy, reset: Reset) -> None:
        """In a transaction. Raises Fenced."""
        if not await _run(session, self._rewinding.reset(reset)):
            raise Fenced()

    async def swap(
        self, session: PoolConnectionProxy, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]
    ) -> None:
        """In a transaction. Raises Fenced, and StoreError where the shadow is elsewhere in the log."""
        if await session.fetchval(self._epoch, *slot) != epoch:
            raise Fenced()
        if not await _run(session, self._rewinding.swap(slot, epoch, shadow, tables)):
            raise StoreError(f"{shadow} is not where {slot} is: let it come to there")


async def _run(session: PoolConnectionProxy, statements: Sequence[Statement]) -> bool:
    """Run them all, if the first one changes a row."""
    (fence, arguments), *others = statements
    await session.execute(READ_WHOLE)
    if await session.execute(fence, *arguments, timeout=SECONDS_TO_REWIND) != "UPDATE 1":
        return False
    for statement, values in others:
        await session.execute(statement, *values, timeout=SECONDS_TO_REWIND)
    return True
