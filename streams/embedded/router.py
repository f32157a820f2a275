"""Finds the logs and queues that take a message: the topology's routing, remembered."""

from collections.abc import Mapping, Sequence

from streams.broker import Scalar
from streams.embedded.log import Log
from streams.embedded.queue import Queue
from streams.errors import NoSuchTarget
from topology.errors import TopologyError
from topology.spec import DEAD_LETTER_EXCHANGE, WAY_BACK, Topology, nearest

_REMEMBERED = 10_000  # ways; keys that hold ids would otherwise grow it for ever


class Router:
    """Routes by a topology, and through the exchanges of the retry ladder, which it does not declare."""

    def __init__(self, topology: Topology, targets: Mapping[str, Log | Queue], rungs: Mapping[str, Queue]) -> None:
        self._topology = topology
        self._targets = targets
        self._rungs = {exchange: (queue,) for exchange, queue in rungs.items()}
        self._by_headers = {name for name in topology.exchanges if _looks_at_headers(topology, name)}
        if DEAD_LETTER_EXCHANGE in self._by_headers:
            self._by_headers.add(WAY_BACK)
        self._ways: dict[tuple[str, str], Sequence[Log | Queue]] = {}

    def route(self, exchange: str, key: str, headers: Mapping[str, Scalar]) -> Sequence[Log | Queue]:
        """The targets that take the message. Raises NoSuchTarget for an exchange that is not declared."""
        way = self._ways.get((exchange, key))
        if way is None:
            way = self._find(exchange, key, headers)
            if exchange not in self._by_headers:
                self._remember(exchange, key, way)
        return way

    def route_if_declared(self, exchange: str, key: str, headers: Mapping[str, Scalar]) -> Sequence[Log | Queue]:
        """As `route`, but nothing takes the message where the exchange is not declared."""
        try:
            return self.route(exchange, key, headers)
        except NoSuchTarget:
            return ()

    def require(self, exchange: str) -> None:
        """Raises NoSuchTarget for an exchange that is not declared."""
        if exchange not in self._topology.exchanges:
            hint = nearest(exchange, self._topology.exchanges)
            raise NoSuchTarget(f"there is no exchange {exchange!r}{hint}: declare it, and restart")

    def _find(self, exchange: str, key: str, headers: Mapping[str, Scalar]) -> Sequence[Log | Queue]:
        if not exchange:
            return (self._targets[key],) if key in self._targets else ()
        if exchange in self._rungs:
            return self._rungs[exchange]
        if exchange == WAY_BACK and self._rungs:
            return self._find_back(key, headers)
        try:
            names = self._topology.route(exchange, key, headers)
        except TopologyError as error:
            raise NoSuchTarget(f"{error}: declare it, and restart") from error
        return tuple(self._targets[name] for name in names)

    def _find_back(self, queue: str, headers: Mapping[str, Scalar]) -> Sequence[Log | Queue]:
        if queue in self._topology.queues:
            return (self._targets[queue],)
        return self.route_if_declared(DEAD_LETTER_EXCHANGE, queue, headers)

    def _remember(self, exchange: str, key: str, way: Sequence[Log | Queue]) -> None:
        if len(self._ways) >= _REMEMBERED:
            self._ways.clear()
        self._ways[exchange, key] = way


def _looks_at_headers(topology: Topology, name: str) -> bool:
    """Whether routing from this exchange on may depend on headers."""
    seen: set[str] = set()
    exchange = topology.exchanges.get(name)
    while exchange is not None and exchange.name not in seen:
        if exchange.type == "headers":
            return True
        seen.add(exchange.name)
        exchange = topology.exchanges.get(exchange.alternate) if exchange.alternate else None
    return False
