"""A server of the stream protocol that says what a test wants."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PROPERTIES, _HANDSHAKE, _AUTHENTICATE, _TUNE, _OPEN, _SUBSCRIBE, _METADATA = 17, 18, 19, 20, 21, 7, 15
_CLOSE, _CREDIT, _HEARTBEAT = 22, 9, 23
_RESPONSE, _OK = 0x8000, 1


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def frame(key: int, content: bytes) -> bytes:
    return struct.pack(">IHH", len(content) + 4, key, 1) + content


def chunk(first: int, *messages: bytes, checksum: int | None = None) -> bytes:
    """A frame with a chunk of these messages."""
    data = b"".join(struct.pack(">I", len(message)) + message for message in messages)
    crc = zlib.crc32(data) if checksum is None else checksum
    head = struct.pack(">BbbHIqQQIIII", 0, 0x50, 0, len(messages), len(messages), 5, 1, first, crc, len(data), 0, 0)
    return frame(8, head + data)


def closing(reason: str) -> bytes:
    return frame(_CLOSE, struct.pack(">IH", 1, 1) + text(reason))


def moved(log: str) -> bytes:
    return frame(16, struct.pack(">H", 6) + text(log))


class FakeStream:
    """Lets everybody in and answers what is asked."""

    def __init__(self) -> None:
        self.heartbeat = 60
        self.asked: list[int] = []
        """The keys of all requests."""
        self.credits = 0
        """How much credit was granted after the subscription."""
        self.grants = 0
        """By how many frames."""
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"rabbitmq-stream://guest:guest@127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    def say(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
            await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                (size,) = struct.unpack(">I", await reader.readexactly(4))
                content = await reader.readexactly(size)
                key, _ = struct.unpack_from(">HH", content)
                self.asked.append(key)
                self._answer(writer, key, content[4:])
        except (asyncio.IncompleteReadError, OSError):
            pass

    def _answer(self, writer: asyncio.StreamWriter, key: int, content: bytes) -> None:
        if key == _CREDIT:
            self.grants += 1
            self.credits += struct.unpack(">BH", content)[1]
        if key in (_TUNE, _CREDIT, _HEARTBEAT) or key & _RESPONSE:
            return
        bodies = {
            _PROPERTIES: struct.pack(">I", 0),
            _HANDSHAKE: struct.pack(">I", 1) + text("PLAIN"),
            _OPEN: struct.pack(">I", 0),
        }
        ok = content[:4] + struct.pack(">H", _OK)
        if key == _METADATA:
            answer = content[:4] + struct.pack(">IH", 1, 0) + text("node") + struct.pack(">II", 5552, 1)
            answer += text("log") + struct.pack(">HHI", _OK, 0, 0)
        else:
            answer = ok + bodies.get(key, b"")
        writer.write(frame(key | _RESPONSE, answer))
        if key == _AUTHENTICATE:
            writer.write(frame(_TUNE, struct.pack(">II", 1 << 20, self.heartbeat)))


@asynccontextmanager
async def fake_stream() -> AsyncIterator[FakeStream]:
    server = FakeStream()
    await server.start()
    try:
        yield server
    finally:
        await server.close()
