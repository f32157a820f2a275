"""Metrics of what the edge keeps, read when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from api.cached_views import Use

HELP: Final = "Rows and pages looked for, by where: in this process, shared by another, or read from the store."


class CacheCollector(Collector):
    """See the module's text."""

    def __init__(self, uses: Callable[[], Mapping[str, Use]]) -> None:
        """`uses` by table."""
        self._uses = uses

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily("warren_cache_lookups", HELP, labels=["table", "found"])
        for table, use in self._uses().items():
            for found in ("own", "shared", "read"):
                family.add_metric([table, found], getattr(use, found))
        yield family
