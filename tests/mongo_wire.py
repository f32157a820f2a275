"""As much of MongoDB's wire protocol as tells a client what server it has reached: one without a replica set."""

import asyncio
import struct
from contextlib import suppress
from typing import Any, Final

import bson

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
_HEAD: Final = struct.Struct("<iiii")
STANDALONE: Final[dict[str, Any]] = {
    "ok": 1,
    "isWritablePrimary": True,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "maxBsonObjectSize": 16 << 20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
}


async def standalone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers whatever it is asked with what it is. For `asyncio.start_server`."""
    with suppress(OSError, EOFError):
        while True:
            length, request, _, operation = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            await reader.readexactly(length - _HEAD.size)
            writer.write(_answer(request, operation))
    writer.close()


def _answer(request: int, operation: int) -> bytes:
    document = bson.encode(STANDALONE)
    if operation == OP_QUERY:
        body, kind = struct.pack("<iqii", 0, 0, 0, 1) + document, OP_REPLY
    else:
        body, kind = struct.pack("<iB", 0, 0) + document, OP_MSG
    return _HEAD.pack(_HEAD.size + len(body), 1, request, kind) + body
