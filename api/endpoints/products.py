"""What can be ordered."""

from uuid import UUID

from fastapi import APIRouter

from api.bodies import Body, Money, Page
from api.dependencies import GivenEdge
from api.openapi import problems
from api.problems import Problem

router = APIRouter(prefix="/api/products", tags=["products"])


class ProductBody(Body):
    """A product of the catalog."""

    id: UUID
    name: str
    price: Money
    currency: str


@router.get("", responses=problems())
async def list_products(edge: GivenEdge) -> Page[ProductBody]:
    """All products, on one page."""
    return Page(items=[ProductBody.model_validate(product) for product in edge.catalog.products()])


@router.get("/{id}", responses=problems(404, 422))
async def get_product(id: UUID, edge: GivenEdge) -> ProductBody:
    """One product."""
    product = edge.catalog.find(id)
    if product is None:
        raise Problem(404, "product_not_found", f"there is no product {id}: see /api/products")
    return ProductBody.model_validate(product)
