"""What is shown live: what goes on now, and how today is going."""

from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from api.analytics_bodies import SalesBody
from api.edge import Edge
from api.funnels import funnel_of
from api.live import Sections
from api.realtime import realtime
from api.selling import best_sellers
from api.stretches import Stretches, stretches_between
from api.takings import revenue_of
from streams.event import moment

SHOWN: Final = 5
"""Best sellers."""
SALES_EVERY: Final = timedelta(seconds=10)
"""Between two readings of today's sales: they have a row for each product."""


class LiveFigures:
    """Reads them."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._sales: tuple[datetime, list[SalesBody]] | None = None

    async def read(self) -> Sections:
        """Sections `over`, `minutes`, `revenue`, `funnel`, `products`. Raises Problem where nobody reads them here."""
        edge = self._edge
        now = moment(edge.now())
        today = stretches_between(f"{now:%Y-%m-%d}", None, now)
        figures = (await realtime(edge)).model_dump(mode="json", by_alias=True)
        return {
            "over": figures["over"],
            "minutes": figures["minutes"],
            "revenue": [_json(one) for one in await revenue_of(edge, today, None)],
            "funnel": _json((await funnel_of(edge, today)).total),
            "products": [_json(one) for one in await self._best_sellers(now, today)],
        }

    async def _best_sellers(self, now: datetime, today: Stretches) -> list[SalesBody]:
        if self._sales is None or now >= self._sales[0] + SALES_EVERY:
            self._sales = now, (await best_sellers(self._edge, today))[:SHOWN]
        return self._sales[1]


def _json(body: BaseModel) -> dict[str, Any]:
    return body.model_dump(mode="json", by_alias=True)
