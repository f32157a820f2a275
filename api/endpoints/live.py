"""The live figures, by WebSocket."""

import asyncio
from contextlib import suppress
from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.edge import Edge
from api.live import Live, State, told
from api.socket_guard import SocketGuard, protocol_of

CHECK: Final = 1.0
"""Seconds between two looks at a reader's token."""
SCOPE: Final = "analytics:read"

router = APIRouter()


async def watch_live(websocket: WebSocket) -> None:
    """A snapshot of the figures, then each change of them, numbered. Closes with 4401 when the token ends, with 4403
    where its roles lack the scope."""
    edge: Edge = websocket.app.state.edge
    live: Live = websocket.app.state.live
    await websocket.accept(protocol_of(websocket))
    with live.watched(), suppress(WebSocketDisconnect):
        telling = asyncio.create_task(_tell(websocket, live, SocketGuard(edge, websocket, SCOPE)))
        leaving = asyncio.create_task(_left(websocket))
        done, pending = await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            await task


router.add_websocket_route("/api/analytics/live", watch_live)


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
