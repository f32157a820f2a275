"""What is in the database and in the logs, read by clients that have nothing to do with Warren."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiormq
import asyncpg
from aiormq.abc import AbstractConnection, DeliveredMessage
from pamqp.common import FieldTable

_SILENCE: Final = 120.0
"""Seconds without a message after which a log is taken to have no more."""
_REST: Final = 5.0
"""The same at its end, where all there is comes at once."""
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
    connection = await aiormq.connect(amqp)
    try:
        logs = await asyncio.gather(*(_messages(connection, log) for log in LOGS))
    finally:
        await connection.close()
    evidence.logs = dict(zip(LOGS, logs, strict=True))
    return evidence


async def _messages(connection: AbstractConnection, log: str) -> list[Found]:
    """All of a log, up to its last message."""
    if (last := await _last(connection, log)) < 0:
        return []
    return await _read(connection, log, "first", lambda found: bool(found) and found[-1].offset >= last)


async def _last(connection: AbstractConnection, log: str) -> int:
    """The offset of a log's last message; -1 where there is none. What RabbitMQ says of its length may be old."""
    chunk = await _read(connection, log, "last", lambda _: False, silence=_REST)
    return chunk[-1].offset if chunk else -1


async def _read(
    connection: AbstractConnection,
    log: str,
    begin: str,
    enough: Callable[[list[Found]], bool],
    *,
    silence: float = _SILENCE,
) -> list[Found]:
    """The messages from there on, until it is enough, or nothing more comes."""
    found: list[Found] = []
    came = asyncio.Event()
    channel = await connection.channel()
    await channel.basic_qos(prefetch_count=4 * _ACKNOWLEDGED)

    async def take(message: DeliveredMessage) -> None:
        found.append(_found(message))
        came.set()
        if len(found) % _ACKNOWLEDGED == 0 and message.delivery_tag is not None:
            await channel.basic_ack(message.delivery_tag, multiple=True)

    await channel.basic_consume(log, take, arguments={"x-stream-offset": begin})
    with suppress(TimeoutError):
        while not enough(found):
            came.clear()
            await asyncio.wait_for(came.wait(), silence if found else _SILENCE)
    await channel.close()
    return found


def _found(message: DeliveredMessage) -> Found:
    properties = message.header.properties
    headers: FieldTable = properties.headers or {}
    value, offset = json.loads(message.body), headers["x-stream-offset"]
    assert isinstance(offset, int)
    return Found(offset, properties.message_id or "", value["user"], value["serial"], str(headers.get("dead-id", "")))
