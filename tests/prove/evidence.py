"""What is in the database and in the logs, read by clients that have nothing to do with Warren."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aio_pika
import asyncpg
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

_SILENCE: Final = 20.0
"""Seconds without a message after which a log is taken to have no more, though it ends before the offset it said."""
_ACKNOWLEDGED: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to know of a message of a log."""

    offset: int
    id: str
    user: str
    serial: int
    dead_id: str
    """Of a dead letter: which message it was."""


@dataclass(slots=True)
class Evidence:
    """Tables by name: key -> value. Logs by name: messages in their order, repeats included."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, list[Found]] = field(default_factory=dict)


TABLES: Final = ("sums", "hours", "tens", "tallies", "settled", "letters", "jobs")
LOGS: Final = ("entries", "counted", "handled", "dead.letters")


async def collect(amqp: str, postgres: str, schema: str) -> Evidence:
    """Read all there is."""
    evidence = Evidence()
    database = await asyncpg.connect(postgres)
    for table in TABLES:
        rows = await database.fetch(f'SELECT key, value::text AS value FROM "{schema}"."{table}"')
        evidence.tables[table] = {row["key"]: json.loads(row["value"]) for row in rows}
    await database.close()
    connection = await aio_pika.connect(amqp)
    async with connection:
        logs = await asyncio.gather(*(_messages(connection, log) for log in LOGS))
    evidence.logs = dict(zip(LOGS, logs, strict=True))
    return evidence


async def _messages(connection: AbstractConnection, log: str) -> list[Found]:
    """All of a log: up to the last offset that it had to begin with, or what there is when nothing more comes."""
    found: list[Found] = []
    came = asyncio.Event()
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=4 * _ACKNOWLEDGED)
    queue = await channel.declare_queue(log, passive=True)
    last = (queue.declaration_result.message_count or 0) - 1

    async def take(message: AbstractIncomingMessage) -> None:
        found.append(_found(message))
        came.set()
        if len(found) % _ACKNOWLEDGED == 0:
            await message.ack(multiple=True)

    await queue.consume(take, arguments={"x-stream-offset": "first"})
    with suppress(TimeoutError):
        while not found or found[-1].offset < last:
            came.clear()
            await asyncio.wait_for(came.wait(), _SILENCE)
    return found


def _found(message: AbstractIncomingMessage) -> Found:
    value, offset = json.loads(message.body), message.headers["x-stream-offset"]
    assert isinstance(offset, int)
    dead_id = str(message.headers.get("dead-id", ""))
    return Found(offset, message.message_id or "", value["user"], value["serial"], dead_id)
