"""The shop as a whole, on the embedded broker, in virtual time."""

import asyncio
import json
from decimal import Decimal
from uuid import UUID

from agents.analytics.tables import revenue
from agents.analytics.takings import Takings
from agents.notifications.tables import notifications
from agents.registry import load
from streams.graph import check
from tests.agents.market import Market, on_the_market
from topology.load import load_shop


def test_what_the_agents_declare_fits_the_topology() -> None:
    check(load(), load_shop())


@on_the_market()
async def test_orders_flow_through_to_the_revenue(market: Market) -> None:
    await market.place(1, "tok_ok", "10.00")
    await market.place(2, "tok_decline", "99.00")
    await market.place(3, "tok_flaky", "0.50")
    await market.place(4, "tok_ok", "0.00")
    await market.place(1, "tok_ok", "10.00")
    await asyncio.sleep(60)
    statuses = [(await market.order(UUID(int=number))).status for number in (1, 2, 3, 4)]
    assert statuses == ["PAID", "PAYMENT_FAILED", "PAID", "PAID"]
    view = market.views.of("analytics", revenue)
    assert (await view.query()).items == [("EUR|2026-01-01T00:00:00Z", Takings(Decimal("10.50"), 2))]
    told = await market.stores["notifications"].query(notifications.name)
    templates = sorted(json.loads(row.value)["template"] for row in told.rows)
    assert templates == ["order_paid"] * 3 + ["order_payment_failed"] + ["order_received"] * 4
    assert (await market.broker.extent("dead.letters")).last == -1
