"""Placing orders, and reading them."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from agents.auth.tokens import Caller
from agents.orders.tables import Order, Status, orders
from api.bodies import Page
from api.caller import Whoever, may, own
from api.dependencies import Cursor, GivenCorrelation, GivenEdge, GivenSender, Limit
from api.edge import Edge
from api.media import require_json
from api.openapi import problems, problems_of_body
from api.order_bodies import OrderAccepted, OrderBody, PlaceOrder, StepBody
from api.placing import check_same, checked_key, command_of, message_id_of, order_id_of
from api.problems import Problem
from api.routing import require_taken
from stores.errors import StoreError

COMMANDS = "commands"
PLACE_ANY = "orders:place:any"
"""Of no role: everybody orders for themselves."""
READ_ANY = "orders:read:any"
LOOK = 1.0
"""Seconds spent on looking whether an order is there already: placing one does not wait for its store."""

router = APIRouter(prefix="/api/orders", tags=["orders"], responses=problems(401, 403))

_LOCATION = {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where the order can be read."}}}


@router.post(
    "", status_code=202, responses={202: _LOCATION, **problems_of_body(503)}, dependencies=[Depends(require_json)]
)
async def place_order(
    body: PlaceOrder,
    edge: GivenEdge,
    sender: GivenSender,
    correlation: GivenCorrelation,
    caller: Whoever,
    response: Response,
    idempotency_key: Annotated[str, Header(description="One key is one order: the same for a retry, a new one else.")],
) -> OrderAccepted:
    """Place an order at the catalog's prices. It is accepted once the broker has it; read it at `Location`."""
    own(caller, body.user_id, PLACE_ANY)
    order_id = order_id_of(body.user_id, checked_key(idempotency_key))
    command = command_of(body, order_id, edge.catalog)
    existing = await _existing(edge, order_id)
    if existing is not None:
        check_same(existing, command)
    else:
        require_taken(edge.topology, COMMANDS, "order.place")
        message = edge.publisher.record(
            COMMANDS,
            command,
            key=str(order_id),
            id=message_id_of(order_id),
            correlation_id=correlation.id,
            headers=correlation.headers,
        )
        await sender.send_one(message)
    response.headers["Location"] = f"{router.prefix}/{order_id}"
    return OrderAccepted(id=order_id, status=Status.PENDING)


async def _existing(edge: Edge, order_id: UUID) -> Order | None:
    """The order, if it is there and can be read now."""
    try:
        async with asyncio.timeout(LOOK):
            return await edge.view("orders", orders).get(order_id)
    except (StoreError, Problem, TimeoutError):
        return None


@router.get("", responses=problems(422, 503))
async def list_orders(
    edge: GivenEdge,
    caller: Whoever,
    user_id: Annotated[UUID | None, Query(alias="userId")] = None,
    status: Status | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[OrderBody]:
    """Orders by id, of one user or status or of all."""
    whose = own(caller, user_id, READ_ANY)
    equals: dict[str, Any] = {
        name: str(value) for name, value in (("userId", whose), ("status", status)) if value is not None
    }
    page = await edge.view("orders", orders).query(limit=limit, cursor=cursor, **equals)
    return Page(items=[OrderBody.model_validate(order) for _, order in page.items], next_cursor=page.cursor)


@router.get("/{id}", responses=problems(404, 422, 503))
async def get_order(id: UUID, edge: GivenEdge, caller: Whoever) -> OrderBody:
    """One order."""
    return OrderBody.model_validate(await _order(edge, id, caller))


@router.get("/{id}/history", responses=problems(404, 422, 503))
async def get_history(id: UUID, edge: GivenEdge, caller: Whoever) -> Page[StepBody]:
    """Every status that the order had, without gaps, on one page."""
    order = await _order(edge, id, caller)
    return Page(items=[StepBody.model_validate(step) for step in order.history])


async def _order(edge: Edge, id: UUID, caller: Caller | None) -> Order:
    order = await edge.view("orders", orders).get(id)
    # Another user's order is 404 too: that it exists is theirs to tell.
    if order is None or not (may(caller, READ_ANY) or (caller and caller.user_id == order.user_id)):
        raise Problem(
            404, "order_not_found", f"there is no order {id}, or not yet: it is there soon after it was placed"
        )
    return order
