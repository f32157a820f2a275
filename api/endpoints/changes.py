"""Changes of any table's rows, by WebSocket."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.changing import Row, Rows, Told
from api.edge import Edge
from api.problems import Problem
from api.racing import first
from api.socket_guard import TRY_AGAIN_LATER, Refusal, SocketGuard, protocol_of
from stores.errors import StoreError
from streams import View

CHECK: Final = 1.0
"""Seconds between two looks at a reader's token."""
SCOPE: Final = "tables:read"
NOT_FOUND: Final = 4404

router = APIRouter()


@router.websocket("/api/tables/{table}/changes")
async def watch_table(websocket: WebSocket, table: str, key: str | None = None) -> None:
    """Changed rows, in numbered messages; with `?key=` one row, first as it is. Closes with 4401 when the token ends,
    with 4403 where its roles lack the scope, with 4404 where there is no such table, or it is not watched."""
    edge: Edge = websocket.app.state.edge
    await websocket.accept(protocol_of(websocket))
    guard = SocketGuard(edge, websocket, SCOPE)
    with suppress(WebSocketDisconnect):
        refusal = await guard.refusal()
        found = _view(edge, table) if refusal is None else refusal
        if isinstance(found, Refusal):
            await websocket.close(found.code, found.reason)
        else:
            await first(_tell(websocket, found, key), _guard(websocket, guard), _left(websocket))


def _view(edge: Edge, name: str) -> View[Any] | Refusal:
    if name not in edge.tables:
        return Refusal(NOT_FOUND, "there is no such table; see /api/tables")
    service, table = edge.tables[name]
    if not table.watched:
        return Refusal(NOT_FOUND, "this table does not tell of its changes: declare it watched=True")
    try:
        return edge.view(service, table)
    except Problem as problem:
        return Refusal(TRY_AGAIN_LATER, problem.code)


async def _tell(websocket: WebSocket, view: View[Any], key: str | None) -> None:
    told: Told = Rows(view) if key is None else Row(view, key)
    try:
        with view.watch(key, again=told.again) as watch:
            changed = None
            while True:
                message = await told.message(changed)
                if message is not None:
                    await websocket.send_text(orjson.dumps(message).decode())
                changed = await watch.changed()
    except StoreError:
        await websocket.close(TRY_AGAIN_LATER, "the table cannot be read now")
    except ValueError:
        await websocket.close(NOT_FOUND, "no store can hold such a key")


async def _guard(websocket: WebSocket, guard: SocketGuard) -> None:
    """Until the reader's token counts no more."""
    while True:
        await asyncio.sleep(CHECK)
        refusal = await guard.refusal()
        if refusal is not None:
            await websocket.close(refusal.code, refusal.reason)
            return


async def _left(websocket: WebSocket) -> None:
    """Until the reader has gone; what it says meanwhile is nothing to us."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
