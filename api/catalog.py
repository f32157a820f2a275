"""The products on offer, and what of each can be had, as inventory keeps them."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from agents.inventory.events import MAIN
from agents.inventory.tables import Offer, products, stock
from api.edge import Edge
from streams.keys import encode_key

INVENTORY = "inventory"


class OnOffer(NamedTuple):
    """A product, and how many pieces of it can be had now."""

    offer: Offer
    available: int


async def offers(edge: Edge, ids: Collection[UUID]) -> dict[UUID, Offer]:
    """Those of these products that are on offer."""
    found = await edge.view(INVENTORY, products).get_many([(MAIN, id) for id in ids])
    return {offer.id: offer for offer in found.values()}


async def page(edge: Edge, *, currency: str | None, limit: int, cursor: str | None) -> tuple[list[OnOffer], str | None]:
    """A page of products by id, all or those sold in a currency, and where the next one begins."""
    equals: dict[str, Any] = {"currency": currency} if currency else {}
    found = await edge.view(INVENTORY, products).query(limit=limit, cursor=cursor, prefix=f"{MAIN}|", **equals)
    return await with_stock(edge, [offer for _, offer in found.items]), found.cursor


async def with_stock(edge: Edge, offered: Iterable[Offer]) -> list[OnOffer]:
    """These products, with what can be had of each."""
    offered = list(offered)
    rows = await edge.view(INVENTORY, stock).get_many([(MAIN, offer.id) for offer in offered])
    pieces = {key: row.available for key, row in rows.items()}
    return [OnOffer(offer, pieces.get(encode_key((MAIN, offer.id)), 0)) for offer in offered]
