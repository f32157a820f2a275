"""Moving an order on: changing, cancelling, shipping, delivering and refunding it."""

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api import order_commands as commands
from api.caller import Whoever, guarded
from api.commanding import GivenCommander
from api.dependencies import GivenEdge
from api.idempotency import GivenOnce, IdempotencyKey, Made
from api.media import require_json
from api.openapi import problems, problems_of_body
from api.order_access import find_order
from api.order_bodies import OrderAccepted
from api.order_command_bodies import CancelOrder, ChangeOrder, RefundAccepted, RefundOrder, ShipOrder

CANCEL = "orders:cancel"
SHIP = "orders:ship"
DELIVER = "orders:deliver"
REFUND = "orders:refund"
CHANGE_ANY = "orders:change:any"
"""Of no role: everybody changes their own."""

router = APIRouter(prefix="/api/orders/{id}", tags=["orders"], responses=problems(401, 403))

_JSON = Depends(require_json)


@router.patch("", status_code=202, responses=problems_of_body(404, 409, 503), dependencies=[_JSON])
async def change_order(
    id: UUID, body: ChangeOrder, edge: GivenEdge, commander: GivenCommander, caller: Whoever
) -> OrderAccepted:
    """Ship your order elsewhere, as long as its money is not set aside."""
    order = await find_order(edge, id, caller, CHANGE_ANY)
    await commander.send(commands.change_address(order, body, caller), id)
    return OrderAccepted(id=id, status=order.status)


@router.delete("", status_code=202, responses=problems(404, 409, 422, 503))
async def delete_order(id: UUID, edge: GivenEdge, commander: GivenCommander, caller: Whoever) -> OrderAccepted:
    """Cancel an order: what it holds is let go, what was paid is refunded."""
    order = await find_order(edge, id, caller, CANCEL)
    await commander.send(commands.cancel(order, None, caller), id)
    return OrderAccepted(id=id, status=order.status)


@router.post("/cancel", status_code=202, responses=problems_of_body(404, 409, 503))
async def cancel_order(
    id: UUID, edge: GivenEdge, commander: GivenCommander, caller: Whoever, body: CancelOrder | None = None
) -> OrderAccepted:
    """The same, with a reason."""
    order = await find_order(edge, id, caller, CANCEL)
    await commander.send(commands.cancel(order, body, caller), id)
    return OrderAccepted(id=id, status=order.status)


@router.post("/ship", status_code=202, responses=problems_of_body(404, 409, 503), dependencies=[_JSON, guarded(SHIP)])
async def ship_order(
    id: UUID, body: ShipOrder, edge: GivenEdge, commander: GivenCommander, caller: Whoever
) -> OrderAccepted:
    """A carrier has the goods."""
    order = await find_order(edge, id, caller, SHIP)
    await commander.send(commands.ship(order, body, caller), id)
    return OrderAccepted(id=id, status=order.status)


@router.post("/deliver", status_code=202, responses=problems(404, 409, 422, 503), dependencies=[guarded(DELIVER)])
async def deliver_order(id: UUID, edge: GivenEdge, commander: GivenCommander, caller: Whoever) -> OrderAccepted:
    """They have arrived."""
    order = await find_order(edge, id, caller, DELIVER)
    await commander.send(commands.deliver(order, caller), id)
    return OrderAccepted(id=id, status=order.status)


@router.post(
    "/refunds",
    status_code=202,
    response_model=RefundAccepted,
    responses=problems_of_body(404, 409, 503),
    dependencies=[_JSON, guarded(REFUND)],
)
async def refund_order(
    id: UUID,
    body: RefundOrder,
    edge: GivenEdge,
    commander: GivenCommander,
    caller: Whoever,
    once: GivenOnce,
    key: IdempotencyKey,
) -> Response:
    """Give some of an order's money back, or all that is left."""
    refund_id = commands.refund_id(id, key)

    async def refund() -> Made:
        order = await find_order(edge, id, caller, REFUND)
        await commander.send(commands.refund(order, body, refund_id, caller), id, str(refund_id))
        return Made(202, RefundAccepted(id=refund_id, order_id=id, status=order.status))

    return await once.answer(commands.who(caller), key, body, refund)
