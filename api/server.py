"""Serving the edge over HTTP, inside the event loop of whoever composes the process."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from api.protocol import PatientProtocol

GRACE: Final = 10
"""Seconds that requests under way have at stop."""
MOST_SAID: Final = 65_536
"""Bytes of a message that comes by WebSocket."""


class Certificate(NamedTuple):
    """What a server shows to prove who it is. Files in PEM: its certificate, then its authorities'; and its key."""

    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """TLS from version 1.2 on. Raises OSError, SSLError."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        return context


class CannotListen(Exception):
    """This address cannot be listened on."""


class _Server(uvicorn.Server):
    """Leaves signals to the composition root, and tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def serve(
    app: ASGIApp, host: str, port: int, *, grace: int = GRACE, certificate: Certificate | None = None
) -> AsyncIterator[int]:
    """Serve until the context is left, by TLS where there is a certificate; gives the port, which is a free one where
    `port` is 0.

    Leaving refuses new connections and waits up to `grace` seconds for requests under way. Raises CannotListen.
    """
    context = certificate.context() if certificate else None
    listener = _listen(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="websockets-sansio",
            ws_max_size=MOST_SAID,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=grace,
            ssl_context_factory=(lambda *_: context) if context else None,
        )
    )
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await _ready(server, serving)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def _ready(server: _Server, serving: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ready.cancel()
    if serving.done():
        await serving


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without it, a port is taken for minutes after a stop.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    listener.setblocking(False)
    return listener


def _cannot_listen(host: str, port: int, error: Exception) -> CannotListen:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return CannotListen(
            f"port {port} of {host} is taken: stop the program that listens there, or choose another (0: any free one)"
        )
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return CannotListen(f"port {port} of {host} is not allowed to this user: choose one from 1024 on")
    return CannotListen(f"{host}:{port} cannot be listened on ({error}): choose an address of this machine")
