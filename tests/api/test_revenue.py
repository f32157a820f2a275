"""Revenue by day and currency."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.problems import Problem
from api.stretches import Step, Stretches, stretches_between
from tests.api.shop import Shop, open_shop
from tests.api.test_tables import keep, takings

PATH = "/api/analytics/revenue"
NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)


def day(number: int) -> str:
    return f"2026-07-{number:02}T00:00:00Z"


async def earned(shop: Shop) -> None:
    """Three days of euros, one of them in two partitions, and one of dollars."""
    euros = {f"EUR|{day(1)}": takings("1.10"), f"EUR|{day(2)}": takings("2.20"), f"EUR|{day(3)}": takings("4.40")}
    await keep(shop, "analytics", 0, revenue={**euros, f"USD|{day(2)}": takings("8.80")})
    await keep(shop, "analytics", 1, revenue={f"EUR|{day(2)}": takings("16.60")})


async def ask(shop: Shop, **params: str) -> Any:
    answer = await shop.client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_currency_is_its_days_and_their_sum_over_all_partitions(shop: Shop) -> None:
    await earned(shop)
    assert await ask(shop, currency="EUR", **{"from": "2026-07-01", "to": "2026-07-03"}) == {
        "currency": "EUR",
        "from": day(1),
        "to": day(3),
        "total": "19.90",
        "buckets": [
            {"start": day(1), "amount": "1.10", "orders": 1},
            {"start": day(2), "amount": "18.80", "orders": 2},
        ],
    }


async def test_without_a_currency_there_is_one_for_each_that_took_money(shop: Shop) -> None:
    await earned(shop)
    page = await ask(shop, **{"from": "2026-07-02", "to": "2026-07-04"})
    assert [(one["currency"], one["total"]) for one in page["items"]] == [("EUR", "23.20"), ("USD", "8.80")]
    assert page["items"][0]["buckets"][0] == {"start": day(2), "amount": "18.80", "orders": 2}
    later = await ask(shop, **{"from": "2026-07-04", "to": "2026-07-05"})
    assert later == {"items": [], "nextCursor": None}


async def test_a_currency_without_money_has_a_total_of_none(shop: Shop) -> None:
    answer = await ask(shop, currency="JPY", **{"from": "2026-07-01", "to": "2026-07-03"})
    assert (answer["total"], answer["buckets"]) == ("0", [])


async def test_by_default_it_is_the_30_days_that_end_with_today() -> None:
    async with open_shop(now=lambda: int(NOON.timestamp() * 1000)) as shop:
        await earned(shop)
        answer = await ask(shop, currency="EUR")
    assert (answer["from"], answer["to"], answer["total"]) == ("2026-06-11T00:00:00Z", day(11), "24.30")


async def test_ten_years_are_read_at_once(shop: Shop) -> None:
    await earned(shop)
    answer = await ask(shop, currency="EUR", **{"from": "2020-01-01", "to": "2030-01-07"})
    assert answer["total"] == "24.30"


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-07-01", "2026-07-02", ("2026-07-01", "2026-07-02")),
        ("2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z", ("2026-07-01", "2026-07-02")),
        ("2026-07-01T23:59:59Z", "2026-07-02T00:00:00.001Z", ("2026-07-01", "2026-07-03")),
        ("2026-07-01T01:00:00+02:00", "2026-07-02", ("2026-06-30", "2026-07-02")),
    ],
)
def test_days_are_whole_days_of_utc(start: str, end: str, days: tuple[str, str]) -> None:
    found = stretches_between(start, end, NOON)
    assert (f"{found.start:%Y-%m-%d}", f"{found.end:%Y-%m-%d}") == days


def test_the_end_is_not_one_of_the_days() -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    days = Stretches(Step.DAY, start, start + timedelta(days=2))
    assert list(days) == [start, start + timedelta(days=1)]
    assert days.end not in days


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("yesterday", None),
        ("2026-02-30", None),
        ("2026-07-01T00:00:00", None),
        ("1969-12-31", "1970-01-02"),
        (None, "9999-12-31"),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-07-02", "2026-07-02"),
        ("2026-07-03", "2026-07-02"),
        ("2016-01-01", "2026-07-02"),
        ("\x00", None),
        ("9" * 5_000, None),
    ],
)
def test_an_interval_that_cannot_be_is_refused(start: str | None, end: str | None) -> None:
    with pytest.raises(Problem) as raised:
        stretches_between(start, end, NOON)
    assert (raised.value.status_code, raised.value.code) == (422, "invalid_interval")


@pytest.mark.parametrize("currency", ["eur", "EURO", "E1R", "", "E%", "EUR|2026"])
async def test_what_is_no_currency_is_422(shop: Shop, currency: str) -> None:
    answer = await shop.client.get(PATH, params={"currency": currency})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
