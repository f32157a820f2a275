"""What can be ordered, and what there is of it."""

from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Query, Response

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from api import catalog
from api.bodies import Currency, Page
from api.caller import guarded
from api.correlation import Correlation
from api.dependencies import Cursor, GivenCorrelation, GivenEdge, GivenSender, Limit
from api.edge import Edge
from api.media import require_json
from api.openapi import problems, problems_of_body
from api.problems import Problem
from api.product_bodies import ProductAccepted, ProductBody, PutProduct, ReceiveStock, StockAccepted
from api.routing import require_taken
from streams import Record
from streams.broker import Message

COMMANDS = "commands"
WRITE = "products:write"

router = APIRouter(prefix="/api/products", tags=["products"])

_WRITING = [Depends(require_json), guarded(WRITE)]
_LOCATION = {
    "headers": {"Location": {"schema": {"type": "string"}, "description": "Where the product can be read soon."}}
}


@router.get("", responses=problems(422, 503))
async def list_products(
    edge: GivenEdge,
    currency: Annotated[Currency | None, Query(description="Only those sold in it.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ProductBody]:
    """Products by id, with what can be had of each."""
    found, following = await catalog.page(edge, currency=currency, limit=limit, cursor=cursor)
    return Page(items=[ProductBody.of(product) for product in found], next_cursor=following)


@router.get("/{id}", responses=problems(404, 422, 503))
async def get_product(id: UUID, edge: GivenEdge) -> ProductBody:
    """One product."""
    offered = await catalog.offers(edge, [id])
    if id not in offered:
        raise Problem(404, "product_not_found", f"there is no product {id}: see /api/products")
    (product,) = await catalog.with_stock(edge, offered.values())
    return ProductBody.of(product)


@router.put(
    "/{id}",
    status_code=202,
    responses={202: _LOCATION, **problems(401, 403), **problems_of_body(503)},
    dependencies=_WRITING,
)
async def put_product(
    id: UUID,
    body: PutProduct,
    edge: GivenEdge,
    sender: GivenSender,
    correlation: GivenCorrelation,
    response: Response,
) -> ProductAccepted:
    """Offer a product, or change its name and price. Its stock stays, and so do the prices of orders placed before."""
    put = ProductPut(id, body.name, body.price, body.currency)
    await sender.send_one(_command(edge, put, id, correlation))
    response.headers["Location"] = f"{router.prefix}/{id}"
    return ProductAccepted(id=id)


@router.post(
    "/{id}/stock",
    status_code=202,
    responses={202: _LOCATION, **problems(401, 403), **problems_of_body(503)},
    dependencies=_WRITING,
)
async def receive_stock(
    id: UUID,
    body: ReceiveStock,
    edge: GivenEdge,
    sender: GivenSender,
    correlation: GivenCorrelation,
    response: Response,
) -> StockAccepted:
    """Pieces of a product have arrived. Send the same `receiptId` again, and they count once.

    The product need not be on offer yet.
    """
    receipt = uuid5(id, str(body.receipt_id))  # one delivery note may name several products
    received = InventoryReceive(receipt, [StockLine(id, body.quantity)])
    await sender.send_one(_command(edge, received, id, correlation))
    response.headers["Location"] = f"{router.prefix}/{id}"
    return StockAccepted(receipt_id=body.receipt_id)


def _command(edge: Edge, command: Record, product: UUID, correlation: Correlation) -> Message:
    require_taken(edge.topology, COMMANDS, command.__event__ or "")
    return edge.publisher.record(
        COMMANDS, command, key=str(product), correlation_id=correlation.id, headers=correlation.headers
    )
