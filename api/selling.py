"""How much of each product was ordered in a stretch of days, the most ordered first."""

from uuid import UUID

from agents.analytics.sales import Sales, together
from agents.analytics.tables import product_sales
from api.analytics_bodies import SalesBody
from api.dependencies import MOST
from api.edge import Edge
from api.stretches import Stretches


async def best_sellers(edge: Edge, days: Stretches) -> list[SalesBody]:
    """Every product that was ordered in these days. Reads a row for each product and day."""
    found: dict[str, Sales] = {}
    for day in days:
        await _add_day(edge, f"{day:%Y-%m-%d}|", found)
    best = sorted(found.items(), key=lambda item: (-item[1].pieces, -item[1].orders, item[0]))
    return [SalesBody(product_id=UUID(product), pieces=sales.pieces, orders=sales.orders) for product, sales in best]


async def _add_day(edge: Edge, prefix: str, found: dict[str, Sales]) -> None:
    view, cursor = edge.view("analytics", product_sales), None
    while True:
        page = await view.query(prefix=prefix, limit=MOST, cursor=cursor)
        for key, sales in page.items:
            product = key.removeprefix(prefix)
            found[product] = together(found[product], sales) if product in found else sales
        cursor = page.cursor
        if cursor is None:
            return
