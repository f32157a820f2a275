"""The agent on the embedded broker: in any order, repeated, in any batches and partitions, the same tables."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.analytics.order_metric import OrderMetric
from agents.analytics.sales import Sales
from agents.analytics.takings import Takings
from agents.analytics.tally import Money, Tally
from agents.analytics.visitor import Cohort, Funnel
from agents.payments.events import PaymentOperation
from stores.names import check_keys
from tests.agents.analytics import naive
from tests.agents.analytics.life import (
    BOOTS,
    DAY,
    HOUR,
    LAMP,
    MINUTE,
    NOON,
    Happening,
    captured,
    checked_out,
    created,
    failed,
    order,
    paid,
    put_in_cart,
    refunded,
    signed_up,
    user,
    viewed,
)
from tests.agents.analytics.reading import Tables, tables_after

LEVELS = ("ten_seconds", "minute", "hour", "day")


def whole(tables: Tables, level: str) -> Tally:
    """All tallies of a level together."""
    sum = Tally()
    for tally in tables[f"tally_by_{level}"].values():
        sum.add(tally)
    return sum


def without_waits(tables: Tables) -> Tables:
    """All but how long things took by the log's clock: that is another one where they come later."""
    for level in LEVELS:
        for tally in tables[f"tally_by_{level}"].values():
            tally.waits = {0: sum(tally.waits.values())}
    for metric in tables["order_metrics"].values():
        metric.metadata.placed_logged = metric.metadata.paid_logged = None
    return tables


def a_day_of_one_user() -> list[Happening]:
    steps: list[tuple[Any, int]] = [
        (signed_up(1), -HOUR),
        (viewed(1), -3 * MINUTE),
        (put_in_cart(1), -2 * MINUTE),
        (checked_out(1), -MINUTE),
        (created(1, 1, "30.00", (LAMP, 2), (BOOTS, 1), (LAMP, 1)), 0),
        (captured(1, 1, "30.00"), 1_500),
        (paid(1, 1, "30.00"), 2_000),
        (refunded(1, 1, "12.00"), DAY),
    ]
    return [Happening(record, NOON + after) for record, after in steps]


def test_a_day_of_one_user_is_in_every_table() -> None:
    tables = tables_after(a_day_of_one_user())
    assert tables["revenue"] == {
        "EUR|2026-01-01T00:00:00Z": Takings(Decimal("30.00"), 1),
        "EUR|2026-01-02T00:00:00Z": Takings(Decimal("-12.00"), 0),
    }
    assert tables["tally_by_day"]["all|2026-01-01T00:00:00Z"] == Tally(
        orders=1, succeeded=1, money={"EUR": Money(Decimal("30.00"), Decimal(0), 1)}, waits={0: 1}
    )
    assert tables["tally_by_day"]["all|2026-01-02T00:00:00Z"].money == {"EUR": Money(Decimal(0), Decimal("12.00"))}
    assert tables["funnel"] == {"all|2026-01-01T00:00:00Z": Funnel(1, 1, 1, 1, 1)}
    assert tables["cohorts"] == {"2026-01": Cohort(1, {"2026-01": 1})}
    assert tables["product_sales"] == {f"2026-01-01|{LAMP}": Sales(3, 1), f"2026-01-01|{BOOTS}": Sales(1, 1)}
    (metric,) = tables["order_metrics"].values()
    assert isinstance(metric, OrderMetric)
    assert (metric.order_id, metric.user_id, metric.amount) == (order(1), user(1), Decimal("30.00"))
    assert (metric.metadata.captured, metric.metadata.refunded) == (Decimal("30.00"), Decimal("12.00"))


def test_what_is_recent_has_expired_a_day_later_and_history_has_not() -> None:
    tables = tables_after(a_day_of_one_user())
    assert list(tables["tally_by_ten_seconds"]) == ["all|2026-01-02T12:00:00Z"]
    assert len(tables["tally_by_hour"]) == 2


def test_visitors_who_are_not_logged_in_are_their_sessions_and_nobody_is_nobody() -> None:
    look, nobody = viewed(1), viewed(2)
    look.user_id = nobody.user_id = nobody.session_id = None
    tables = tables_after([Happening(look, NOON), Happening(nobody, NOON)])
    assert list(tables["visitors"]) == ["session:s"]
    assert tables["funnel"] == {"all|2026-01-01T00:00:00Z": Funnel(1)}


def test_the_longest_session_can_be_a_key_and_a_longer_one_is_not_read() -> None:
    look = viewed(1)
    look.user_id, look.session_id = None, "🐇" * 200
    (key,) = tables_after([Happening(look, NOON)])["visitors"]
    check_keys([key])
    with pytest.raises(msgspec.ValidationError, match="200"):
        msgspec.convert({"sessionId": "x" * 201}, type(look))


def test_a_user_who_buys_in_three_months_is_in_three_columns_of_their_cohort() -> None:
    times = [NOON, NOON + 5 * DAY, NOON - 15 * DAY]
    captures = [Happening(captured(n, 1), at) for n, at in enumerate(times)]
    cohort = tables_after([*captures, Happening(signed_up(1), NOON - 16 * DAY)])["cohorts"]
    assert cohort == {"2025-12": Cohort(1, {"2025-12": 1, "2026-01": 1})}


numbers = st.integers(0, 4)
amounts = st.sampled_from(["10.00", "0.50", "7.25"])
KINDS: dict[str, Callable[[int, str], Any]] = {
    "created": lambda n, amount: created(n, n % 3, amount, (LAMP, 1 + n), (BOOTS, 1)),
    "paid": lambda n, amount: paid(n, n % 3, amount),
    "captured": lambda n, amount: captured(n, n % 3, amount),
    "refunded": lambda n, amount: refunded(n, n % 3, amount, refund=n),
    "failed": lambda n, amount: failed(n, n % 3, PaymentOperation.CAPTURE),
    "void failed": lambda n, amount: failed(n, n % 3, PaymentOperation.VOID),
    "signed up": lambda n, amount: signed_up(n % 3),
    "viewed": lambda n, amount: viewed(n % 3),
    "in cart": lambda n, amount: put_in_cart(n % 3),
    "checked out": lambda n, amount: checked_out(n % 3),
}


@st.composite
def lives(draw: st.DrawFn) -> list[Happening]:
    """Up to thirty different things that happen to five orders of three users within an hour and a half."""
    chosen = draw(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), numbers), unique=True, max_size=30))
    return [
        Happening(KINDS[kind](number, draw(amounts)), NOON + draw(st.integers(0, 90 * 60)) * 1_000)
        for kind, number in chosen
        if not (kind == "signed up" and number > 2)
    ]


@settings(max_examples=40, deadline=None)
@given(lives(), st.randoms(use_true_random=False), st.sampled_from([1, 7, 1_000]), st.sampled_from([1, 3]))
def test_repeats_and_late_events_give_the_same_tables(
    happenings: list[Happening], chance: Random, batch: int, partitions: int
) -> None:
    expected = tables_after(happenings)
    shuffled = happenings + chance.sample(happenings, len(happenings) // 2)
    chance.shuffle(shuffled)
    found = tables_after(shuffled, batch=batch, partitions=partitions)
    assert without_waits(found) == without_waits(expected)


@settings(max_examples=40, deadline=None)
@given(lives())
def test_sums_equal_a_naive_recomputation(happenings: list[Happening]) -> None:
    tables = tables_after(happenings + happenings[::2])
    found = {tuple(key.split("T")[0].split("|")): (v.amount, v.orders) for key, v in tables["revenue"].items()}
    assert found == naive.revenue(happenings)
    for level in LEVELS:
        tally = whole(tables, level)
        counts = naive.orders_and_payments([h for h in happenings if not _is_void(h)])
        assert (tally.orders, tally.succeeded, tally.failed) == counts
        assert sum(tally.waits.values()) == naive.waits(happenings)


def _is_void(happening: Happening) -> bool:
    return getattr(happening.record, "operation", None) is PaymentOperation.VOID


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_log_in_partitions_counts_the_same(partitions: int) -> None:
    happenings = [
        Happening(record, NOON + n * MINUTE)
        for n in range(20)
        for record in (viewed(n), put_in_cart(n), created(n, n), captured(n, n, "1.10"))
    ]
    tables = tables_after(happenings, partitions=partitions)
    assert tables["funnel"] == {"all|2026-01-01T00:00:00Z": Funnel(20, 20)}
    assert tables["revenue"] == {"EUR|2026-01-01T00:00:00Z": Takings(Decimal("22.00"), 20)}
    assert tables["product_sales"] == {f"2026-01-01|{LAMP}": Sales(20, 20)}
