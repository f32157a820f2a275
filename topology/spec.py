"""The checked topology as values: what is declared, by which service, and how a message travels through it.

Routing follows AMQP 0-9-1, section 3.1.3: a queue or log takes each message once, however many of its bindings match;
an alternate exchange takes what no binding takes (RabbitMQ's extension).
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

from topology.errors import TopologyError
from topology.matching import matches

ExchangeType = Literal["topic", "direct", "fanout", "headers"]
Arguments = tuple[tuple[str, str | int | bool], ...]

DEAD_LETTER_EXCHANGE = "dlx"
DEAD_LETTERS = "dead.letters"
UNROUTED = "unrouted"
TABLE_CHANGES = "table.changes"
SHARED = "shared"
"""The service that declares what every topology has: dead letters, unrouted messages, table changes."""
RETRY_PREFIX = "retry."
"""The rung `30s` of the retry ladder is the exchange and the queue `retry.30s`."""
WAY_BACK = f"{RETRY_PREFIX}back"
"""The direct exchange through which messages return from the ladder by their queue's name; its alternate is `dlx`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A RabbitMQ exchange: durable, public. `alternate` takes what no binding takes."""

    name: str
    type: ExchangeType = "topic"
    alternate: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a queue or log takes from an exchange. `arguments` are for headers exchanges (`x-match` and headers)."""

    exchange: str
    key: str
    arguments: Arguments = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """A quorum queue. `retry` are the rungs of the shared ladder, by their names (`1s`, `5s`, …), in order."""

    name: str
    bindings: tuple[Binding, ...] = ()
    retry: tuple[str, ...] = ("1s", "5s", "30s", "2m", "10m")
    delivery_limit: int = 20


@dataclass(frozen=True, slots=True)
class Log:
    """A RabbitMQ stream. `key` names the field of the record that partitions it; retention by age, by size, or both."""

    name: str
    bindings: tuple[Binding, ...] = ()
    partitions: int = 1
    key: str | None = None
    max_age: timedelta | None = None
    max_bytes: int | None = None
    due: tuple[str, ...] = ()
    """Types that come due here: the agents of this log schedule them, and nobody publishes them."""
    edition: int = 1
    """Raised by one with each new number of partitions: the partitions of each edition are streams of their own."""

    @property
    def stem(self) -> str:
        """What the names of its partitions begin with."""
        return self.name if self.edition == 1 else f"{self.name}.{self.edition}"

    @property
    def partition_names(self) -> tuple[str, ...]:
        """The streams that agents read: the log itself, or where it is partitioned `NAME-0` … `NAME-N-1`, in later
        editions `NAME.2-0` …"""
        if self.partitions == 1:
            return (self.name,)
        return tuple(f"{self.stem}-{number}" for number in range(self.partitions))

    @property
    def streams(self) -> tuple[str, ...]:
        """All streams of the log: the one it is bound by, and its partitions."""
        return (self.name, *(self.partition_names if self.partitions > 1 else ()))


@dataclass(frozen=True, slots=True)
class Service:
    """One YAML file: an exchange stands with its publisher, a queue or log with its consumer."""

    name: str
    exchanges: tuple[Exchange, ...] = ()
    publishes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Exchange -> routing keys (or patterns) that the service's user may publish."""
    http: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Exchange -> routing keys (or patterns) that the HTTP edge opens to event publishers."""
    queues: tuple[Queue, ...] = ()
    logs: tuple[Log, ...] = ()

    @property
    def targets(self) -> tuple[Queue | Log, ...]:
        """All that takes messages: queues, then logs."""
        return (*self.queues, *self.logs)


@dataclass(frozen=True)
class Topology:
    """All services together. Names of exchanges, and of queues and logs, are unique over all services."""

    services: tuple[Service, ...]

    @cached_property
    def exchanges(self) -> dict[str, Exchange]:
        return {e.name: e for s in self.services for e in s.exchanges}

    @cached_property
    def queues(self) -> dict[str, Queue]:
        return {q.name: q for s in self.services for q in s.queues}

    @cached_property
    def logs(self) -> dict[str, Log]:
        return {log.name: log for s in self.services for log in s.logs}

    @cached_property
    def _bound(self) -> dict[str, list[tuple[Binding, str]]]:
        bound: dict[str, list[tuple[Binding, str]]] = {}
        for target in (target for service in self.services for target in service.targets):
            for binding in target.bindings:
                bound.setdefault(binding.exchange, []).append((binding, target.name))
        return bound

    def service(self, name: str) -> Service:
        """The service of that name. Raises TopologyError, with the nearest name, where there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise TopologyError(f"no service {name!r} is declared{nearest(name, (s.name for s in self.services))}")

    def retry_delays(self) -> set[str]:
        """The rungs that any queue uses: one delay exchange and queue `retry.<rung>` each."""
        return {rung for queue in self.queues.values() for rung in queue.retry}

    def keys(self) -> set[str]:
        """Every routing key that some service publishes or opens to HTTP, patterns left out, and what comes due."""
        declared = (keys for s in self.services for part in (s.publishes, s.http) for keys in part.values())
        published = {key for keys in declared for key in keys if "*" not in key and "#" not in key}
        return published.union(*(log.due for log in self.logs.values()))

    def publishers(self, exchange: str, key: str) -> Iterator[str]:
        """The services that declare that they publish this key to this exchange."""
        for service in self.services:
            if any(matches(pattern, key) for pattern in service.publishes.get(exchange, ())):
                yield service.name

    def open_to_http(self, exchange: str, key: str) -> bool:
        """Whether the HTTP edge may publish this key to this exchange for its clients."""
        return any(matches(p, key) for s in self.services for p in s.http.get(exchange, ()))

    def route(self, exchange: str, key: str, headers: Mapping[str, object] | None = None) -> list[str]:
        """The queues and logs that take a message, each once, through alternate exchanges where nothing else takes it.

        The exchange "" is the default exchange: the key is the name of a queue or log.
        Raises TopologyError where the exchange is not declared.
        """
        if exchange == "":
            return [key] if key in self.queues or key in self.logs else []
        visited: set[str] = set()
        name: str | None = exchange
        while name is not None and name not in visited:
            declared = self.exchanges.get(name)
            if declared is None:
                raise TopologyError(f"no exchange {name!r} is declared{nearest(name, self.exchanges)}")
            visited.add(name)
            taken = self._taken(declared, key, headers or {})
            if taken:
                return taken
            name = declared.alternate
        return []

    def _taken(self, exchange: Exchange, key: str, headers: Mapping[str, object]) -> list[str]:
        found: dict[str, None] = {}
        for binding, target in self._bound.get(exchange.name, ()):
            if target not in found and _binds(exchange.type, binding, key, headers):
                found[target] = None
        return list(found)


def is_partition(name: str, log: Log) -> bool:
    """Whether a name is that of a partition of this log, if it had enough of them."""
    prefix, _, number = name.rpartition("-")
    return prefix == log.stem and number.isdecimal()


def _binds(kind: ExchangeType, binding: Binding, key: str, headers: Mapping[str, object]) -> bool:
    if kind == "topic":
        return matches(binding.key, key)
    if kind == "direct":
        return binding.key == key
    if kind == "fanout":
        return True
    wanted = {k: v for k, v in binding.arguments if not k.startswith("x-")}
    # As in RabbitMQ, values of different types are different: True is not 1.
    hits = [type(headers.get(k)) is type(v) and headers[k] == v for k, v in wanted.items()]
    return any(hits) if ("x-match", "any") in binding.arguments else all(hits)


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for an error message: `; did you mean 'x'?`, or nothing where no name is near."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
