"""What the edge is given by whoever composes it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agents.auth.accounts import Accounts
from agents.auth.callers import Callers
from api.gateway import Gateway
from api.problems import Problem
from stores.port import Store
from streams import Publisher, Record, Table, View, Views, WindowedTable
from streams.broker import Broker, Health
from streams.documents import Documents
from streams.status import Status
from topology.spec import Topology

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything that endpoints work with. `declared.py` computes tables, documents and records from apps."""

    broker: Broker
    """To read logs from; what is published goes by the publisher."""
    publisher: Publisher
    """As the service that the topology lets publish commands: `gateway`."""
    views: Views
    topology: Topology
    now: Callable[[], int]
    """Milliseconds since 1970 UTC."""
    ids: random.Random
    """Makes the request ids that clients do not bring."""
    health: Callable[[], Health]
    """How the broker's connections do."""
    status: Callable[[], list[Status]]
    """How the agents of this process do; empty where it runs none."""
    tables: Mapping[str, tuple[str, Table[Any]]] = field(default_factory=dict)
    """Name -> service and table."""
    documents: Mapping[str, tuple[str, Documents[Any]]] = field(default_factory=dict)
    """Name -> service and collection of documents."""
    records: Mapping[str, Sequence[type[Record]]] = field(default_factory=dict)
    """Event name -> the types that services read it as."""
    patience: float = 5.0
    """Seconds that a request waits for the broker, before it is answered with 503."""
    version: str = "0"
    """For the OpenAPI document."""
    opened_accounts: Accounts | None = None
    """None where this process does not serve auth."""
    published_callers: Callers | None = None
    """Who is calling, where it does not: by what auth publishes."""
    auth_required: bool = False
    """Whether endpoints beside accounts ask who is calling."""
    gateway: Gateway = field(default_factory=Gateway)

    def accounts(self) -> Accounts:
        """The accounts. Raises Problem (503) where this process does not serve them."""
        if self.opened_accounts is None:
            raise not_served("auth")
        return self.opened_accounts

    def callers(self) -> Callers:
        """What proves tokens here. Raises Problem (503) where nothing does."""
        return self.published_callers or self.accounts().callers

    def view(self, service: str, table: Table[V] | WindowedTable[V]) -> View[V]:
        """The view of a service's table. Raises Problem (503) where this process does not read that store."""
        try:
            return self.views.of(service, table)
        except KeyError:
            raise not_served(service) from None

    def collection(self, service: str, documents: Documents[V]) -> Documents[V]:
        """A service's documents. Raises Problem (503) where this process does not read that store."""
        try:
            return self.views.documents(service, documents)
        except KeyError:
            raise not_served(service) from None

    def reads(self, service: str) -> bool:
        """Whether this process reads that service's store."""
        try:
            self.views.store(service)
        except KeyError:
            return False
        return True

    def store(self, service: str) -> Store:
        """A service's store. Raises Problem (503) where this process does not read it."""
        try:
            return self.views.store(service)
        except KeyError:
            raise not_served(service) from None


def not_served(service: str) -> Problem:
    """The answer of a process that does not read a service's store."""
    return Problem(503, "not_served", f"this process does not read what {service!r} keeps: ask one that serves it")
