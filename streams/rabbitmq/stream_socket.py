"""The socket of a stream connection."""

import asyncio
from contextlib import suppress
from struct import Struct

from rstream import schema
from rstream.connection import Connection, ConnectionClosed
from rstream.encoding import decode_frame

CLOSE_SECONDS = 1.0

_READ_AHEAD = 1 << 20
_DELIVER = Struct(">HHBbbHIqQQIIII")
_DELIVER_HEAD = b"\0\x08\0\x01"
"""Key and version of the frame Deliver."""

_HEARTBEAT = Struct(">IHH").pack(4, 0x0017, 1)
_CREDIT = Struct(">IHHBH")
_CLOSE_RESPONSE = Struct(">IHHIH")


class StreamSocket(Connection):
    """Reads whole frames; rstream's own takes 256 bytes at a time."""

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            self.host, self.port, ssl=self._ssl_context, limit=_READ_AHEAD
        )

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._writer.wait_closed()

    async def read_frame(self) -> schema.Frame:
        assert self._reader is not None
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            frame = await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise ConnectionClosed("the server closed the connection") from error
        if frame[:4] == _DELIVER_HEAD:
            return schema.Deliver(*(*_DELIVER.unpack_from(frame)[2:], frame[_DELIVER.size :]))
        return decode_frame(frame)

    def beat(self) -> None:
        """Tell the server that somebody is here, without waiting."""
        assert self._writer is not None
        self._writer.write(_HEARTBEAT)

    def grant(self, subscription: int, credit: int) -> None:
        """Let the broker send so many more chunks. Does not wait: what is written is small."""
        assert self._writer is not None
        self._writer.write(_CREDIT.pack(_CREDIT.size - 4, 0x0009, 1, subscription, credit))

    def agree_to_close(self, correlation: int) -> None:
        """Answer the server's Close. rstream writes responses as if they were requests."""
        assert self._writer is not None
        self._writer.write(_CLOSE_RESPONSE.pack(_CLOSE_RESPONSE.size - 4, 0x8016, 1, correlation, 1))
