"""What the inventory has told."""

from typing import Final

from agents.inventory.events import (
    InventoryCommitted,
    InventoryExpired,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
)
from agents.orders.events import Shortage
from agents.orders.rules.asking import answered
from agents.orders.rules.change import Change
from agents.orders.statuses import Asked, Stock

BY: Final = "inventory"
_ORDER: Final = tuple(Stock)


def reserved(change: Change, event: InventoryReserved) -> None:
    """The goods are held."""
    answered(change.order, Asked.RESERVE)
    _raise(change, Stock.HELD, "all lines are reserved")


def rejected(change: Change, event: InventoryRejected) -> None:
    """There are not enough of them."""
    change.shortages = [Shortage(one.product_id, one.wanted, one.available) for one in event.shortages]
    _freed(change, "not everything is in stock" if event.shortages else "nothing can be reserved")


def committed(change: Change, event: InventoryCommitted) -> None:
    """They have left the stock."""
    answered(change.order, Asked.RESERVE, Asked.COMMIT)
    _raise(change, Stock.COMMITTED, "the goods have left the stock")


def expired(change: Change, event: InventoryExpired) -> None:
    """They were not taken in time."""
    _freed(change, "the reservation has expired")


def freed(change: Change, event: InventoryReleased | InventoryRestocked) -> None:
    """They are back."""
    _freed(change, "the goods are back in stock")


def _freed(change: Change, why: str) -> None:
    answered(change.order, Asked.RESERVE, Asked.COMMIT, Asked.FREE)
    _raise(change, Stock.FREED, why)


def _raise(change: Change, stock: Stock, why: str) -> None:
    change.by, change.why = BY, why
    if _ORDER.index(stock) > _ORDER.index(change.order.stock):
        change.order.stock = stock
