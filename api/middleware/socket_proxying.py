"""Hands WebSockets on to the processes that serve their part of the edge, where it is split."""

from contextlib import suppress
from typing import Final

import structlog
from starlette.types import Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from agents.auth.errors import AccountError
from api.forwarding import Headers, forwarded, target, without
from api.racing import first
from api.service_passes import ServicePasses
from api.socket_guard import PROTOCOL, TRY_AGAIN_LATER
from api.upstreams import CONNECT_WITHIN, Process, Upstream

log: FilteringBoundLogger = structlog.get_logger("warren.api")

MOST_SAID: Final = 16 << 20
"""Bytes of a message that a part says."""
WAITING: Final = 1
"""Messages kept here for a client that reads slowly: then its part is kept waiting, which merges what it has to say."""
NORMAL: Final = 1000
_UNSPEAKABLE: Final = frozenset({1005, 1006, 1015})
"""Codes that say that there was none; they must not be sent (RFC 6455, 7.4.1)."""
_HANDSHAKE: Final = frozenset(
    f"sec-websocket-{name}".encode() for name in ("key", "version", "extensions", "protocol", "accept")
)


async def hand_on_socket(
    upstream: Upstream, passes: ServicePasses | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Connect to one process after another until one answers, and carry messages both ways until either side ends."""
    with suppress(OSError):  # a client that has gone is told nothing (ASGI, "Disconnected Client")
        await _carry(upstream, passes, scope, receive, send)


async def _carry(upstream: Upstream, passes: ServicePasses | None, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    try:
        headers = without(await forwarded(scope, upstream.service, passes), _HANDSHAKE)
    except AccountError:
        await _turn_away(scope, send, "tokens cannot be checked now")
        return
    connection = await _connected(upstream, headers, scope)
    if connection is None:
        await _turn_away(scope, send, f"the service {upstream.service!r} cannot be reached")
        return
    async with connection:
        await send({"type": "websocket.accept", "subprotocol": connection.subprotocol})
        with suppress(ConnectionClosed):
            await first(_upwards(connection, receive), _downwards(connection, send))


async def _connected(upstream: Upstream, headers: Headers, scope: Scope) -> ClientConnection | None:
    for process, ticket in upstream.admitted():
        try:
            connection = await _connect(process, headers, scope)
        except InvalidStatus as refusal:
            upstream.record(process, ticket, ok=refusal.response.status_code < 500)
            return None
        except (OSError, TimeoutError, InvalidHandshake) as error:
            upstream.record(process, ticket, ok=False)
            log.warning("upstream failed", service=upstream.service, url=process.url, error=type(error).__name__)
        else:
            upstream.record(process, ticket, ok=True)
            return connection
    return None


async def _connect(process: Process, headers: Headers, scope: Scope) -> ClientConnection:
    return await connect(
        target(process.url.replace("http", "ws", 1), scope),
        additional_headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
        subprotocols=scope["subprotocols"] or None,
        user_agent_header=None,
        compression=None,
        proxy=None,
        open_timeout=CONNECT_WITHIN,
        max_size=MOST_SAID,
        max_queue=WAITING,
    )


async def _upwards(connection: ClientConnection, receive: Receive) -> None:
    """What the client says."""
    while (message := await receive())["type"] == "websocket.receive":
        await connection.send(_said(message))
    await connection.close(_code(message.get("code")), message.get("reason") or "")


async def _downwards(connection: ClientConnection, send: Send) -> None:
    """What the part says, and how it ends."""
    with suppress(ConnectionClosed):
        async for said in connection:
            await send({"type": "websocket.send", "text" if isinstance(said, str) else "bytes": said})
    gone = connection.close_code in {None, 1006}
    await _close(send, TRY_AGAIN_LATER if gone else _code(connection.close_code), connection.close_reason or "")


def _said(message: Message) -> str | bytes:
    text: str | None = message.get("text")
    bytes_said: bytes | None = message.get("bytes")
    return text if text is not None else bytes_said or b""


def _code(code: int | None) -> int:
    return NORMAL if code is None or code in _UNSPEAKABLE else code


async def _turn_away(scope: Scope, send: Send, reason: str) -> None:
    """Accepted first: of a handshake that fails, a browser tells its page nothing."""
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL if PROTOCOL in scope["subprotocols"] else None})
    await _close(send, TRY_AGAIN_LATER, reason)


async def _close(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.close", "code": code, "reason": reason})
