"""The live figures, by WebSocket."""

import asyncio
from contextlib import suppress
from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.edge import Edge
from api.live import Live, State, told
from api.racing import first
from api.socket_guard import SocketGuard, protocol_of

CHECK: Final = 1.0
"""Seconds between two looks at a reader's token."""
SCOPE: Final = "analytics:read"

router = APIRouter()


@router.websocket("/api/analytics/live")
async def watch_live(websocket: WebSocket) -> None:
    """A snapshot of the figures, then each change of them, numbered. Closes with 4401 when the token ends, with 4403
    where its roles lack the scope."""
    edge: Edge = websocket.app.state.edge
    live: Live = websocket.app.state.live
    await websocket.accept(protocol_of(websocket))
    with live.watched(), suppress(WebSocketDisconnect):
        await first(_tell(websocket, live, SocketGuard(edge, websocket, SCOPE)), _left(websocket))


async def _tell(websocket: WebSocket, live: Live, guard: SocketGuard) -> None:
    known: State | None = None
    while True:
        refusal = await guard.refusal()
        if refusal is not None:
            await websocket.close(refusal.code, refusal.reason)
            return
        try:
            async with asyncio.timeout(CHECK):
                state = await live.after(known)
        except TimeoutError:
            continue
        await websocket.send_json(told(known, state))
        known = state


async def _left(websocket: WebSocket) -> None:
    """Until the reader has gone; what it says meanwhile is nothing to us."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
