"""Whether what is published can reach what is bound: most mistyped routing keys show here, as warnings."""

from collections.abc import Iterator

from topology.matching import overlaps
from topology.parse import Declared
from topology.spec import DEAD_LETTER_EXCHANGE, TABLE_CHANGES, UNROUTED, Exchange, Topology, nearest


def check(one: Declared, topology: Topology) -> None:
    """Warn of bindings that no declared key can match, and of keys that no binding takes."""
    _check_bindings(one, topology)
    _check_keys(one, topology)


def chain(exchange: Exchange, topology: Topology) -> Iterator[Exchange]:
    """The alternates of an exchange, one after the other; where they run in a circle it ends after one round."""
    visited: set[str] = set()
    following = topology.exchanges.get(exchange.alternate or "")
    while following and following.name not in visited:
        visited.add(following.name)
        yield following
        following = topology.exchanges.get(following.alternate or "")


def is_alternate(name: str, topology: Topology) -> bool:
    """Whether an exchange is another's alternate."""
    return any(exchange.alternate == name for exchange in topology.exchanges.values())


def _check_bindings(one: Declared, topology: Topology) -> None:
    for target in one.service.targets:
        for binding in target.bindings:
            if not _may_come(binding.exchange, binding.key, topology):
                keys = _published(binding.exchange, topology)
                message = f"no service declares that it publishes such a key to {binding.exchange!r}"
                place = one.place(target, "bind", binding.exchange, binding.key)
                one.page.fault(place, message + nearest(binding.key, keys), "warning")


def _may_come(name: str, pattern: str, topology: Topology) -> bool:
    exchange = topology.exchanges.get(name)
    if exchange is None or not _has_keys(exchange):
        return True
    feeders = [feeder.name for feeder in topology.exchanges.values() if exchange in (feeder, *chain(feeder, topology))]
    if DEAD_LETTER_EXCHANGE in feeders or TABLE_CHANGES in feeders:
        return True  # the broker and the engine publish there
    return any(overlaps(pattern, key) for feeder in feeders for key in _published(feeder, topology))


def _has_keys(exchange: Exchange) -> bool:
    return exchange.type in ("topic", "direct")


def _published(exchange: str, topology: Topology) -> list[str]:
    opened = [(*s.publishes.get(exchange, ()), *s.http.get(exchange, ())) for s in topology.services]
    return [key for keys in opened for key in keys]


def _check_keys(one: Declared, topology: Topology) -> None:
    for section, published in (("publishes", one.service.publishes), ("http", one.service.http)):
        for exchange, key in ((name, key) for name, keys in published.items() for key in keys):
            if not _is_taken(exchange, key, topology):
                place = one.page.place(section, exchange, key)
                one.page.fault(place, f"no queue or log takes {key!r} from {exchange!r}", "warning")


def _is_taken(name: str, key: str, topology: Topology) -> bool:
    exchange = topology.exchanges.get(name)
    if exchange is None or name == TABLE_CHANGES:
        return True
    way = [exchange, *chain(exchange, topology)]
    return any(_takes(stop, key, topology) for stop in way if stop.name != UNROUTED)


def _takes(exchange: Exchange, key: str, topology: Topology) -> bool:
    targets = [target for service in topology.services for target in service.targets]
    bindings = [b for target in targets for b in target.bindings if b.exchange == exchange.name]
    return any(not _has_keys(exchange) or overlaps(b.key, key) for b in bindings)
