"""What the tables say of the replayed orders."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from agents.analytics.tables import revenue
from agents.inventory.events import MAIN
from agents.inventory.tables import stock
from agents.orders.statuses import Status
from agents.orders.tables import orders
from stores.port import Store
from streams import Views
from warren.replay.dataset import CURRENCY
from warren.replay.figures import Figures

FINAL: Final = frozenset({Status.PAID, Status.REJECTED, Status.EXPIRED, Status.PAYMENT_FAILED, Status.CANCELLED})
PAGE: Final = 1_000


class _Glance(msgspec.Struct, rename="camel"):
    """As much of an order as is counted."""

    status: Status
    items: list[msgspec.Raw]
    currency: str
    created_at: datetime


_glance = msgspec.json.Decoder(_Glance).decode


class Tables:
    """The stores of orders, inventory and analytics, wherever they are."""

    def __init__(self, views: Views) -> None:
        self._orders: Store = views.store("orders")
        self._revenue = views.of("analytics", revenue)
        self._stock = views.of("inventory", stock)

    async def finished(self, ids: Sequence[UUID]) -> list[UUID]:
        """Those of these orders that are in a final state."""
        rows = await self._orders.get(orders.name, [str(id) for id in ids])
        return [UUID(row.key) for row in rows if _glance(row.value).status in FINAL]

    async def has_stock(self, product: UUID) -> bool:
        """Whether there ever was any of a product."""
        return await self._stock.get((MAIN, product)) is not None

    async def figures(self, ids: set[str], days: Sequence[date]) -> Figures:
        """The figures of these orders, and the revenue of these days and in all."""
        figures, span = Figures(states=Counter()), set(days)
        async for key, glance in self._all_orders():
            if key in ids:
                figures.orders += 1
                figures.lines += len(glance.items)
                figures.states[str(glance.status)] += 1
            elif glance.currency == CURRENCY and glance.created_at.date() in span:
                figures.others += 1
        figures.days = await self.days(days)
        figures.revenue = sum(figures.days.values(), Decimal(0))
        return figures

    async def days(self, days: Sequence[date]) -> dict[date, Decimal]:
        """The revenue of each of these days that has any."""
        starts = [datetime.combine(day, time(), UTC) for day in days]
        found = await self._revenue.windows(CURRENCY, starts)
        return {start.date(): takings.amount for start, takings in found.items()}

    async def _all_orders(self) -> AsyncIterator[tuple[str, _Glance]]:
        cursor = None
        while True:
            page = await self._orders.query(orders.name, limit=PAGE, cursor=cursor)
            for row in page.rows:
                yield row.key, _glance(row.value)
            cursor = page.cursor
            if cursor is None:
                return
