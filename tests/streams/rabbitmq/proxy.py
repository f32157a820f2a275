"""A proxy between a client and a server, that can break the connection in the ways that networks do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on, both ways."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """`context`: clients are to speak TLS."""
        self._target = (host, port)
        self._context = context
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._clients: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut_after: int | None = None
        self._cut_after_reply: int | None = None
        self._refusing = False
        self._passing = asyncio.Event()
        self._passing.set()
        self.connections = 0
        """How often somebody has connected."""
        self.held = asyncio.Event()
        """Set when the server has said something while `hold` is in force."""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def at(self, url: str) -> str:
        """The same URL, by way of this proxy."""
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    def cut(self) -> None:
        """Break all connections at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self._clients.clear()

    def cut_after(self, count: int) -> None:
        """Break all connections when so many more bytes have come from clients."""
        self._cut_after = count

    def cut_after_reply(self, count: int) -> None:
        """Break all connections when so many more bytes have come from the server."""
        self._cut_after_reply = count

    def refuse(self, refusing: bool) -> None:
        """Break all connections, and every new one at once."""
        self._refusing = refusing
        self.cut()

    def hold(self) -> None:
        """Pass nothing on to clients, until `release`."""
        self._passing.clear()
        self.held.clear()

    def release(self) -> None:
        self._passing.set()

    def say(self, data: bytes) -> None:
        """Send this to all clients, as if the server had."""
        for writer in self._clients:
            writer.write(data)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.release()
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refusing:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, server_writer]
        self._clients.append(writer)
        for task in (
            asyncio.create_task(self._pass(reader, server_writer, from_client=True)),
            asyncio.create_task(self._pass(server_reader, writer, from_client=False)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool) -> None:
        try:
            while data := await reader.read(65536):
                if not from_client:
                    if not self._passing.is_set():
                        self.held.set()
                    await self._passing.wait()
                if self._spent(len(data), from_client):
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def _spent(self, count: int, from_client: bool) -> bool:
        name = "_cut_after" if from_client else "_cut_after_reply"
        left: int | None = getattr(self, name)
        if left is None or left > count:
            setattr(self, name, None if left is None else left - count)
            return False
        setattr(self, name, None)
        self.cut()
        return True


@asynccontextmanager
async def proxied(url: str, context: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy to the server of a URL."""
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5672, context)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
