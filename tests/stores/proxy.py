"""A TCP proxy that breaks the connection to a server at a chosen moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Fault = Literal["cut before", "cut after", "freeze"]


class Proxy:
    """Passes everything on, until a client sends what the proxy waits for.

    `cut before` breaks the connection instead of passing that on; `cut after` passes it on, and breaks the connection
    when the server answers, instead of passing the answer on; `freeze` swallows it and everything from then on, so that
    neither side learns what becomes of the other.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._marker: bytes | None = None
        self._fault: Fault = "cut before"
        self._address = ""
        self._serving: set[asyncio.Task[None]] = set()
        self.struck = asyncio.Event()

    @property
    def url(self) -> str:
        """The server's URL, by way of the proxy."""
        user, at, _ = self._server.netloc.rpartition("@")
        return urlunsplit(self._server._replace(netloc=f"{user}{at}{self._address}"))

    def strike(self, fault: Fault, marker: bytes) -> None:
        """At the next message with `marker`, once."""
        self._fault, self._marker = fault, marker
        self.struck.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listens on a port of its own."""
        listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield self
        listener.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve(client, to_client)))

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._server.hostname, self._server.port)
        connection = _Connection(self)
        try:
            with suppress(ConnectionError):
                await asyncio.gather(connection.send(client, to_server), connection.answer(server, to_client))
        finally:
            for writer in (to_client, to_server):
                writer.transport.abort()

    def meets(self, data: bytes) -> Fault | None:
        """The fault that this message brings about."""
        if self._marker is None or self._marker not in data:
            return None
        self._marker = None
        self.struck.set()
        return self._fault


class _Connection:
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._fault: Fault | None = None

    async def send(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while data := await client.read(1 << 16):
            self._fault = self._fault or self._proxy.meets(data)
            if self._fault == "cut before":
                raise ConnectionAbortedError
            if self._fault != "freeze":
                to_server.write(data)
                await to_server.drain()
        if self._fault == "freeze":
            await asyncio.Event().wait()
        raise ConnectionAbortedError

    async def answer(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while data := await server.read(1 << 16):
            if self._fault == "cut after":
                raise ConnectionAbortedError
            if self._fault != "freeze":
                to_client.write(data)
                await to_client.drain()
        if self._fault == "freeze":
            await asyncio.Event().wait()
        raise ConnectionAbortedError
