"""What the tables hold after a replay, read from the databases themselves and held against the data."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import asyncpg

from tests.replay.oracle import Truth

ALL_STEPS = ["PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID"]
"""Of an order that all goes well with, also of one that costs nothing."""

Rows = Callable[[str, str], AsyncIterator[tuple[str, str]]]
"""Service and table -> (key, value) of all rows, in the order of the keys."""


def in_files(directory: Path) -> Rows:
    """The SQLite files of an embedded shop, which must have ended."""

    async def rows(service: str, table: str) -> AsyncIterator[tuple[str, str]]:
        with closing(sqlite3.connect(directory / f"{service}.db")) as database:
            for key, value in database.execute(f'SELECT key, value FROM "{table}" ORDER BY key'):
                yield key, value

    return rows


def in_postgres(url: str) -> Rows:
    """The schemas of a PostgreSQL database."""

    async def rows(service: str, table: str) -> AsyncIterator[tuple[str, str]]:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                select = f'SELECT key, value FROM "{service}"."{table}" ORDER BY key COLLATE "C"'
                async for key, value in connection.cursor(select, prefetch=1_000):
                    yield key, value
        finally:
            await connection.close()

    return rows


@dataclass(slots=True)
class Contents:
    """Counts over all tables. Money in cents, days as `2017-01-31`."""

    orders: int = 0
    lines: int = 0
    days: Counter[str] = field(default_factory=Counter)
    """Of the paid orders, by the day they were placed."""
    states: Counter[str] = field(default_factory=Counter)
    revenue: Counter[str] = field(default_factory=Counter)
    """As analytics has it."""
    captures: int = 0
    """As analytics has counted them."""
    payments: Counter[str] = field(default_factory=Counter)
    charged: int = 0
    """What the provider was asked for, over all captured payments."""
    digest: str = ""
    """Of every byte of the orders, payments and revenue."""

    @classmethod
    def expected(cls, truth: Truth) -> Self:
        """What there must be when every order has come through, less the digest."""
        captures = truth.orders - truth.unpaid
        return cls(
            orders=truth.orders,
            lines=truth.lines,
            days=truth.days,
            states=Counter(PAID=truth.orders),
            revenue=truth.days,
            captures=captures,
            payments=Counter(CAPTURED=captures),
            charged=truth.revenue,
        )

    def add_order(self, key: str, order: dict[str, Any]) -> None:
        assert order["id"] == key
        total = sum(Decimal(line["price"]) * line["quantity"] for line in order["items"])
        assert Decimal(order["total"]) == total, f"the total of {key} is not that of its lines"
        steps = [step["status"] for step in order["history"]]
        assert steps == ALL_STEPS, f"{key} went through {steps}"
        assert not order["questions"], f"{key} waits for {order['questions']}"
        self.orders += 1
        self.lines += len(order["items"])
        self.states[order["status"]] += 1
        if order["status"] == "PAID":
            self.days[order["createdAt"][:10]] += _cents(order["total"])

    def add_payment(self, key: str, payment: dict[str, Any]) -> None:
        self.payments[payment["state"]] += 1
        if payment["state"] == "CAPTURED":
            self.charged += _cents(payment["amount"])

    def add_revenue(self, key: str, takings: dict[str, Any]) -> None:
        currency, _, start = key.partition("|")
        assert currency == "USD"
        self.revenue[start[:10]] += _cents(takings["amount"])
        self.captures += takings["orders"]


async def contents(rows: Rows) -> Contents:
    """Everything, row by row."""
    found, digest = Contents(), hashlib.sha256()
    parts = (
        ("orders", "orders", found.add_order),
        ("payments", "payments", found.add_payment),
        ("analytics", "revenue", found.add_revenue),
    )
    for service, table, add in parts:
        async for key, value in rows(service, table):
            digest.update(f"{table} {key} {value}\n".encode())
            add(key, json.loads(value))
    found.digest = digest.hexdigest()
    return found


def _cents(amount: str) -> int:
    cents = Decimal(amount).scaleb(2)
    assert cents == int(cents), f"{amount} is no whole number of cents"
    return int(cents)
