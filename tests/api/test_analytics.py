"""Realtime figures, history, funnel, cohorts and sales."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from agents.analytics.histogram import bin_of
from agents.analytics.sales import Sales
from agents.analytics.tally import Money, Tally
from agents.analytics.visitor import Cohort, Funnel
from streams.keys import instant
from tests.api.shop import Shop, open_shop
from tests.api.test_tables import keep

NOW = 1_783_684_805_000
"""2026-07-10T12:00:05Z, in ms."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LAMP, BOOTS = UUID(int=1), UUID(int=2)


def tally(orders: int = 0, **more: Any) -> Tally:
    return Tally(orders=orders, **more)


def euros(captured: str, refunded: str = "0", orders: int = 1) -> dict[str, Money]:
    return {"EUR": Money(Decimal(captured), Decimal(refunded), orders)}


async def ask(shop: Shop, path: str, **params: str) -> Any:
    answer = await shop.client.get(f"/api/analytics/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def at(*windows: tuple[int, Tally]) -> dict[str, Tally]:
    return {f"all|{instant(NOW // 1000 * 1000 - back)}": value for back, value in windows}


async def test_realtime_is_the_last_complete_windows_over_all_partitions() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        second = tally(3, succeeded=1, failed=1, money=euros("5.00", "1.50"), waits={bin_of(2_000): 1})
        await keep(shop, "analytics", 0, tally_by_ten_seconds=at((5_000, tally(100)), (15_000, second)))
        await keep(
            shop, "analytics", 1, tally_by_ten_seconds=at((15_000, tally(1)), (65_000, tally(2)), (75_000, tally(50)))
        )
        await keep(
            shop, "analytics", 2, tally_by_minute=at((5_000, tally(9)), (65_000, tally(7)), (HOUR + 5_000, tally(2)))
        )
        found = await ask(shop, "realtime")
    ten, minute, hour = found["over"]
    assert (ten["seconds"], ten["orders"], ten["ordersPerMinute"]) == (10, 4, 24.0)
    assert ten["payments"] == {"succeeded": 1, "failed": 1, "failureRate": 0.5}
    assert ten["p95Seconds"] == pytest.approx(2, rel=0.021)
    assert ten["revenue"] == [
        {"currency": "EUR", "captured": "5.00", "refunded": "1.50", "amount": "3.50", "orders": 1}
    ]
    assert (minute["seconds"], minute["orders"]) == (60, 6)
    assert (hour["seconds"], hour["orders"], hour["p95Seconds"]) == (3_600, 16, None)
    assert [(one["start"], one["orders"]) for one in found["minutes"][-2:]] == [
        ("2026-07-10T11:59:00Z", 7),
        ("2026-07-10T12:00:00Z", 9),
    ]
    assert len(found["minutes"]) == 30


async def test_history_comes_by_minute_hour_day_and_month() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        day = tally(2, failed=1, waits={bin_of(1_000): 2})
        july, june = instant(NOW - NOW % DAY), instant(NOW - NOW % DAY - 10 * DAY)
        await keep(shop, "analytics", tally_by_day={f"all|{july}": day, f"all|{june}": tally(5)})
        await keep(shop, "analytics", 1, tally_by_hour=at((5_000, tally(1))), tally_by_minute=at((5_000, tally(3))))
        by_day = (await ask(shop, "orders"))["items"]
        assert [(one["start"], one["orders"]) for one in by_day] == [(june, 5), (july, 2)]
        assert by_day[1]["payments"] == {"succeeded": 0, "failed": 1, "failureRate": 1.0}
        by_month = (await ask(shop, "orders", step="month"))["items"]
        assert [(one["start"][:7], one["orders"]) for one in by_month] == [("2026-06", 5), ("2026-07", 2)]
        assert [one["orders"] for one in (await ask(shop, "orders", step="hour"))["items"]] == [1]
        assert [one["orders"] for one in (await ask(shop, "orders", step="minute", limit="1000"))["items"]] == []
        late = await ask(shop, "orders", step="minute", **{"from": "2026-07-10T12:00:00Z"})
        assert [one["orders"] for one in late["items"]] == [3]


async def test_pages_of_history_follow_one_another() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        days = {f"all|{instant(NOW - NOW % DAY - n * DAY)}": tally(n + 1) for n in range(3)}
        await keep(shop, "analytics", tally_by_day=days)
        span = {"from": "2026-07-08", "to": "2026-07-11"}
        first = await ask(shop, "orders", limit="2", **span)
        second = await ask(shop, "orders", limit="2", cursor=first["nextCursor"], **span)
    assert [one["orders"] for one in first["items"] + second["items"]] == [3, 2, 1]
    assert second["nextCursor"] is None


async def test_revenue_comes_by_hour_and_by_month() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        hours = at((5_000, tally(money=euros("5.00", "1.00"))), (HOUR + 5_000, tally(money=euros("2.50"))))
        revenue = {
            "EUR|2026-06-30T00:00:00Z": {"amount": "1.00", "orders": 1},
            "EUR|2026-07-01T00:00:00Z": {"amount": "2.00", "orders": 2},
            "EUR|2026-07-09T00:00:00Z": {"amount": "-0.50", "orders": 0},
        }
        await keep(shop, "analytics", tally_by_hour=hours, revenue=revenue)
        by_hour = await ask(shop, "revenue", step="hour", currency="EUR")
        by_month = await ask(shop, "revenue", step="month", **{"from": "2026-06-15", "to": "2026-07-10"})
    assert [bucket["amount"] for bucket in by_hour["buckets"]] == ["2.50", "4.00"]
    assert by_hour["total"] == "6.50"
    (months,) = by_month["items"]
    assert (months["from"], months["to"]) == ("2026-06-01T00:00:00Z", "2026-08-01T00:00:00Z")
    assert [(bucket["amount"], bucket["orders"]) for bucket in months["buckets"]] == [("1.00", 1), ("1.50", 2)]


async def test_a_funnel_has_its_days_and_their_sum() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        july = instant(NOW - NOW % DAY)
        await keep(shop, "analytics", 0, funnel={f"all|{july}": Funnel(5, 3, 2, 1, 1)})
        await keep(shop, "analytics", 1, funnel={f"all|{july}": Funnel(2, 1), "all|2026-07-09T00:00:00Z": Funnel(1)})
        found = await ask(shop, "funnel")
    assert found["total"] == {"viewed": 8, "cart": 4, "checkout": 2, "created": 1, "captured": 1}
    assert [(bucket["start"], bucket["viewed"]) for bucket in found["buckets"]] == [
        ("2026-07-09T00:00:00Z", 1),
        (july, 7),
    ]


async def test_cohorts_come_by_month_in_pages() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        cohorts = {"2026-05": Cohort(4, {"2026-06": 2, "2026-05": 1}), "2026-07": Cohort(3)}
        await keep(shop, "analytics", cohorts=cohorts)
        found = await ask(shop, "cohorts")
        page = await ask(shop, "cohorts", limit="1", **{"from": "2026-05-01", "to": "2026-08-01"})
    assert found["items"] == [
        {
            "month": "2026-05",
            "users": 4,
            "months": [{"month": "2026-05", "users": 1}, {"month": "2026-06", "users": 2}],
        },
        {"month": "2026-07", "users": 3, "months": []},
    ]
    assert (len(page["items"]), page["nextCursor"]) == (1, "2026-06-01T00:00:00Z")


async def test_the_most_ordered_products_come_first_over_days_and_partitions() -> None:
    async with open_shop(now=lambda: NOW) as shop:
        await keep(
            shop, "analytics", 0, product_sales={f"2026-07-09|{LAMP}": Sales(2, 1), f"2026-07-10|{LAMP}": Sales(1, 1)}
        )
        await keep(
            shop, "analytics", 1, product_sales={f"2026-07-10|{LAMP}": Sales(3, 2), f"2026-07-10|{BOOTS}": Sales(4, 1)}
        )
        found = await ask(shop, "products")
        today = await ask(shop, "products", limit="1", **{"from": "2026-07-10", "to": "2026-07-11"})
        rest = await ask(
            shop, "products", limit="1", cursor=today["nextCursor"], **{"from": "2026-07-10", "to": "2026-07-11"}
        )
    assert found["items"] == [
        {"productId": str(LAMP), "pieces": 6, "orders": 4},
        {"productId": str(BOOTS), "pieces": 4, "orders": 1},
    ]
    assert [one["pieces"] for one in today["items"] + rest["items"]] == [4, 4]
    assert rest["nextCursor"] is None


@pytest.mark.parametrize(
    "path",
    [
        "orders?from=2026-01-02&to=2026-01-01",
        "orders?step=week",
        "orders?step=minute&from=2026-01-01&to=2026-02-01",
        "orders?cursor=abc",
        "orders?cursor=2020-01-01T00:00:00Z",
        "orders?cursor=2026-07-10T12:00:01Z&step=hour",
        "revenue?step=minute",
        "funnel?from=yesterday",
        "cohorts?cursor=x",
        "products?from=2026-01-01&to=2026-03-01",
        "products?cursor=-1",
        "products?cursor=99999999999999999999",
    ],
)
async def test_what_cannot_be_asked_is_422(shop: Shop, path: str) -> None:
    answer = await shop.client.get(f"/api/analytics/{path}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"invalid_query", "invalid_interval", "invalid_request"}


async def test_figures_of_a_working_shop_add_up(working_shop: Shop) -> None:
    placed = await working_shop.place()
    await working_shop.paid(placed.headers["location"])
    for path in ("realtime", "orders", "revenue", "funnel", "cohorts", "products"):
        await ask(working_shop, path)
