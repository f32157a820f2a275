"""Metrics of requests."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_REMEMBERED: Final = 1_024


class HttpMetrics:
    """How many requests came, how they were answered, how long it took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "warren_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        seconds = Histogram(
            "warren_http_request_duration_seconds",
            "From the request's head to the end of its answer.",
            ["method", "route"],
            registry=registry,
        )

        @lru_cache(_REMEMBERED)
        def of(method: str, route: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
            """Finding a metric by its labels takes longer than counting."""
            return requests.labels(method, route, str(status)).inc, seconds.labels(method, route).observe

        self._of = of

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request; `route` is its template."""
        count, time = self._of(method if method in METHODS else "other", route, status)
        count()
        time(seconds)
