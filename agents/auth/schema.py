"""Bringing the database of accounts to what the models say, step by step (Alembic)."""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.auth.database import Database

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('warren accounts'), hashtext(:schema))"
_EXISTS: Final = "SELECT 1 FROM pg_namespace WHERE nspname = :schema"


@dataclass(frozen=True, slots=True)
class Step:
    """One migration that has not been run."""

    revision: str
    title: str
    statements: str
    """What it runs, in the database's own language."""


async def pending(database: Database) -> list[Step]:
    """The steps that `migrate` would take, in order."""
    async with database.connection() as connection:
        return await connection.run_sync(_pending)


async def migrate(database: Database) -> list[Step]:
    """Take every step that is missing, all in one transaction. May be run any number of times, by several at once."""
    async with database.connection() as connection:
        await _make_schema(connection, database.schema)
        steps = await connection.run_sync(_pending)
        if steps:
            await connection.run_sync(_upgrade)
    return steps


async def _make_schema(connection: AsyncConnection, schema: str | None) -> None:
    if schema is None:
        return
    await connection.execute(text(_LOCK), {"schema": schema})
    if await connection.scalar(text(_EXISTS), {"schema": schema}) is None:
        await connection.execute(text(f'CREATE SCHEMA "{schema}"'))


def _config() -> Config:
    config = Config(output_buffer=StringIO())
    # Percent signs in paths are Alembic's own.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _pending(connection: Connection) -> list[Step]:
    heads = MigrationContext.configure(connection).get_current_heads()
    at = heads[0] if heads else "base"
    script = ScriptDirectory.from_config(_config())
    steps: list[Step] = []
    for revision in reversed(list(script.iterate_revisions("heads", at))):
        steps.append(Step(revision.revision, revision.doc, _statements(connection, at, revision.revision)))
        at = revision.revision
    return steps


def _statements(connection: Connection, start: str, end: str) -> str:
    config, buffer = _config(), StringIO()
    config.output_buffer = buffer
    config.attributes["dialect"] = connection.dialect.name
    command.upgrade(config, f"{start}:{end}", sql=True)
    return buffer.getvalue().strip()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")
