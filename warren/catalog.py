"""What the demo sells: products and the goods that come with them, put through the log like any others."""

import asyncio
import time
from importlib.resources import files
from typing import Final
from uuid import UUID, uuid5

import msgspec

from agents.inventory.events import MAIN, InventoryReceive, Product, ProductPut, StockLine
from agents.inventory.tables import receipts
from streams import Publisher, Record
from streams.broker import Message, Outcome
from warren.system import System

RECEIPT: Final = UUID("2f0c53f1-6a4f-5c8e-9d2a-7b1e4c5d6f70")
"""The receipt of the goods that the demo begins with: where it is known, nothing is put or received again."""
PATIENCE: Final = 60.0
"""Seconds that broker and agent have for them."""
PAUSE: Final = 0.05


class ShopNotStocked(Exception):
    """Inventory has not taken the demo's goods for a minute: `warren agents list` says how far it is. Or begin anew,
    with another directory by --data."""

    def __str__(self) -> str:
        return " ".join((self.__doc__ or "").split())


def demo_products() -> list[Product]:
    """The products of `catalog.json`, `available` pieces of each."""
    return msgspec.json.decode((files("warren") / "catalog.json").read_bytes(), type=list[Product])


async def stock_shop(system: System) -> None:
    """Put the demo's products and receive its goods, unless that was done before. Returns once they are there.

    The agent of inventory must be at work. Raises ShopNotStocked.
    """
    view = system.views.of("inventory", receipts)
    if await view.get((MAIN, RECEIPT)) is not None:
        return
    publisher = system.publisher("gateway")
    deadline = time.monotonic() + PATIENCE
    messages = _commands(publisher)
    while await view.get((MAIN, RECEIPT)) is None:
        if time.monotonic() > deadline:
            raise ShopNotStocked
        messages = await _publish(publisher, messages)
        await asyncio.sleep(PAUSE)


def _commands(publisher: Publisher) -> list[Message]:
    """The products, then the goods of all of them: who knows the receipt knows the products."""
    offered = demo_products()
    puts = [ProductPut(product.id, product.name, product.price, product.currency) for product in offered]
    goods = InventoryReceive(RECEIPT, [StockLine(product.id, product.available) for product in offered])
    messages = [_command(publisher, put, put.product_id) for put in puts]
    return [*messages, _command(publisher, goods, RECEIPT)]


def _command(publisher: Publisher, record: Record, id: UUID) -> Message:
    return publisher.record("commands", record, key=str(id), id=str(uuid5(RECEIPT, f"{record.__event__}/{id}")))


async def _publish(publisher: Publisher, messages: list[Message]) -> list[Message]:
    """Those that the broker does not have."""
    outcomes = await publisher.publish(messages) if messages else []
    return [m for m, outcome in zip(messages, outcomes, strict=True) if outcome is not Outcome.CONFIRMED]
