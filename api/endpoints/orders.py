"""Placing orders, and reading them."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from agents.orders.tables import Order, Status, orders
from api.bodies import Page
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
LOOK = 1.0
"""Seconds spent on looking whether an order is there already: placing one does not wait for its store."""

router = APIRouter(prefix="/api/orders", tags=["orders"])

_LOCATION = {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where the order can be read."}}}


@router.post(
    "", status_code=202, responses={202: _LOCATION, **problems_of_body(503)}, dependencies=[Depends(require_json)]
)
async def place_order(
    body: PlaceOrder,
    edge: GivenEdge,
    sender: GivenSender,
    correlation: GivenCorrelation,
    response: Response,
    idempotency_key: Annotated[str, Header(description="One key is one order: the same for a retry, a new one else.")],
) -> OrderAccepted:
    """Place an order at the catalog's prices. It is accepted once the broker has it; read it at `Location`."""
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
    user_id: Annotated[UUID | None, Query(alias="userId")] = None,
    status: Status | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[OrderBody]:
    """Orders by id, of one user or status or of all."""
    equals: dict[str, Any] = {
        name: str(value) for name, value in (("userId", user_id), ("status", status)) if value is not None
    }
    page = await edge.view("orders", orders).query(limit=limit, cursor=cursor, **equals)
    return Page(items=[OrderBody.model_validate(order) for _, order in page.items], next_cursor=page.cursor)


@router.get("/{id}", responses=problems(404, 422, 503))
async def get_order(id: UUID, edge: GivenEdge) -> OrderBody:
    """One order."""
    return OrderBody.model_validate(await _order(edge, id))


@router.get("/{id}/history", responses=problems(404, 422, 503))
async def get_history(id: UUID, edge: GivenEdge) -> Page[StepBody]:
    """Every status that the order had, without gaps, on one page."""
    order = await _order(edge, id)
    return Page(items=[StepBody.model_validate(step) for step in order.history])


async def _order(edge: Edge, id: UUID) -> Order:
    order = await edge.view("orders", orders).get(id)
    if order is None:
        raise Problem(
            404, "order_not_found", f"there is no order {id}, or not yet: it is there soon after it was placed"
        )
    return order
