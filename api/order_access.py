"""Orders as a caller may see them."""

from uuid import UUID

from agents.auth.tokens import Caller
from agents.orders.order import Order
from agents.orders.tables import orders
from api.caller import may
from api.edge import Edge
from api.problems import Problem

READ_ANY = "orders:read:any"


async def find_order(edge: Edge, id: UUID, caller: Caller | None, scope: str = READ_ANY) -> Order:
    """The order, for its owner and whoever has the scope. Raises Problem (404)."""
    order = await edge.view("orders", orders).get(id)
    # Another user's order is 404 too: that it exists is theirs to tell.
    if order is None or not (may(caller, scope) or (caller and caller.user_id == order.user_id)):
        raise Problem(
            404, "order_not_found", f"there is no order {id}, or not yet: it is there soon after it was placed"
        )
    return order
