"""Placing orders, and reading them."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from agents.orders.order import Order
from agents.orders.statuses import Status
from agents.orders.tables import orders
from api import catalog
from api.bodies import Page
from api.caller import Whoever, own
from api.correlation import Correlation
from api.dependencies import Cursor, GivenCorrelation, GivenEdge, GivenSender, Limit
from api.edge import Edge
from api.idempotency import GivenOnce, IdempotencyKey, Made
from api.media import require_json
from api.openapi import problems, problems_of_body
from api.order_access import READ_ANY, find_order
from api.order_bodies import OrderAccepted, OrderBody, PlaceOrder, StepBody
from api.placing import check_same, command_of, message_id_of, order_id_of
from api.preferring import PreferredWait, appears
from api.problems import Problem
from api.routing import require_taken
from api.sender import Sender
from stores.errors import StoreError

COMMANDS = "commands"
PLACE_ANY = "orders:place:any"
"""Of no role: everybody orders for themselves."""
LOOK = 1.0
"""Seconds spent on looking whether an order is there already: placing one does not wait for its store."""

router = APIRouter(prefix="/api/orders", tags=["orders"], responses=problems(401, 403))

_LOCATION = {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where the order can be read."}}}
_READABLE = {"model": OrderBody, "description": "The order, which can be read (`Prefer: wait`).", **_LOCATION}


@router.post(
    "",
    status_code=202,
    response_model=OrderAccepted,
    responses={201: _READABLE, 202: _LOCATION, **problems_of_body(409, 503)},
    dependencies=[Depends(require_json)],
)
async def place_order(
    body: PlaceOrder,
    edge: GivenEdge,
    sender: GivenSender,
    correlation: GivenCorrelation,
    caller: Whoever,
    once: GivenOnce,
    key: IdempotencyKey,
    wait: PreferredWait,
) -> Response:
    """Place an order at the catalog's prices. It is accepted once the broker has it; read it at `Location`.

    With `Prefer: wait=5` the answer is 201 and the order, if it can be read within 5 seconds.
    """
    own(caller, body.user_id, PLACE_ANY)
    order_id = order_id_of(body.user_id, key)

    async def place() -> Made:
        await _place(body, order_id, edge, sender, correlation)
        order: Order | None = None
        if wait:
            order = await appears(lambda: edge.view("orders", orders), order_id, wait)
        location = {"Location": f"{router.prefix}/{order_id}"}
        if order is None:
            return Made(202, OrderAccepted(id=order_id, status=Status.PENDING), location)
        return Made(201, OrderBody.model_validate(order), {**location, "Preference-Applied": f"wait={wait}"})

    return await once.answer(str(body.user_id), key, body, place)


async def _place(body: PlaceOrder, order_id: UUID, edge: Edge, sender: Sender, correlation: Correlation) -> None:
    """Returns once the broker has the command, or the order is there already."""
    offered = await catalog.offers(edge, {wanted.product_id for wanted in body.items})
    command = command_of(body, order_id, offered)
    existing = await _existing(edge, order_id)
    if existing is not None:
        check_same(existing, command)
        return
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
    return OrderBody.model_validate(await find_order(edge, id, caller))


@router.get("/{id}/history", responses=problems(404, 422, 503))
async def get_history(id: UUID, edge: GivenEdge, caller: Whoever) -> Page[StepBody]:
    """Every status that the order had, without gaps, on one page."""
    order = await find_order(edge, id, caller)
    return Page(items=[StepBody.model_validate(step) for step in order.history])
