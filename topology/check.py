"""What can be wrong between declarations: names taken twice, exchanges that are not there, alternates in a circle."""

from collections.abc import Iterator, Mapping, Sequence

from topology import reach
from topology.faults import Place
from topology.parse import Declared
from topology.spec import (
    DEAD_LETTER_EXCHANGE,
    DEAD_LETTERS,
    RETRY_PREFIX,
    SHARED,
    TABLE_CHANGES,
    UNROUTED,
    Binding,
    Exchange,
    Log,
    Queue,
    Topology,
    is_partition,
    nearest,
)


def check(declared: Sequence[Declared], *, complete: bool = True) -> None:
    """Put the faults between these files on their pages.

    With `complete=False` some file could not be read: names that it may declare are not looked for.
    """
    topology = Topology(tuple(one.service for one in declared))
    _check_names(declared)
    if not complete:
        return
    for one in declared:
        _check_shared(one, topology)
        _check_alternates(one, topology)
        _check_bindings(one, topology)
        _check_publishes(one, topology)
        reach.check(one, topology)


def _check_names(declared: Sequence[Declared]) -> None:
    seen: dict[tuple[str, str], Place] = {}
    for one in declared:
        for kind, name, place in _names(one):
            first = seen.setdefault((kind, name), place)
            if first is not place:
                one.page.fault(place, f"the {kind} {name!r} is declared already, in {first}: choose another name")
    for one in declared:
        _check_logs(one, {name: place for (kind, name), place in seen.items() if kind == "queue or log"})


def _check_logs(one: Declared, taken: Mapping[str, Place]) -> None:
    for log in one.service.logs:
        for name in (name for name in taken if (log.partitions > 1 or log.edition > 1) and _hides(name, log)):
            message = f"{name!r}, in {taken[name]}, has the name of one of its partitions: rename one of them"
            one.page.fault(one.place(log), message)
        if ("logs", log.name, "retention") not in one.page.places:
            message = "kept for ever, until the disk is full: add `retention: {age: 90d, bytes: 5GB}`"
            one.page.fault(one.place(log), message, "warning")


def _hides(name: str, log: Log) -> bool:
    """Whether a partition has this name, or would have that of this one's partitions."""
    return is_partition(name, log) or (log.edition > 1 and name == log.stem)


def _names(one: Declared) -> Iterator[tuple[str, str, Place]]:
    yield "service", one.service.name, one.page.place("service")
    for exchange in one.service.exchanges:
        yield "exchange", exchange.name, one.page.place("exchanges", exchange.name)
    for target in one.service.targets:
        yield "queue or log", target.name, one.place(target)


def _check_shared(one: Declared, topology: Topology) -> None:
    if one.service.name != SHARED:
        return
    for name in (DEAD_LETTER_EXCHANGE, UNROUTED, TABLE_CHANGES):
        if name not in topology.exchanges:
            one.page.fault(one.page.place("exchanges"), f"the engine needs the exchange {name!r}: declare it here")
    dead_letters = topology.logs.get(DEAD_LETTERS)
    if dead_letters is None or Binding(DEAD_LETTER_EXCHANGE, "#") not in dead_letters.bindings:
        place = one.page.place("logs", DEAD_LETTERS)
        one.page.fault(place, f"the engine needs the log {DEAD_LETTERS!r}, bound to {{{DEAD_LETTER_EXCHANGE}: ['#']}}")


def _check_alternates(one: Declared, topology: Topology) -> None:
    for exchange in one.service.exchanges:
        place = one.page.place("exchanges", exchange.name, "alternate")
        if exchange.alternate is None:
            if exchange.name != TABLE_CHANGES and not reach.is_alternate(exchange.name, topology):
                message = f"no alternate exchange: what nothing takes is lost; add `alternate: {UNROUTED}`"
                one.page.fault(place, message, "warning")
        elif exchange.alternate not in topology.exchanges:
            one.page.fault(place, _undeclared(exchange.alternate, topology))
        elif circle := _circle(exchange, topology):
            one.page.fault(place, f"alternates run in a circle: {' → '.join(circle)}")


def _circle(exchange: Exchange, topology: Topology) -> list[str]:
    """The way from an exchange through its alternates back to it, if there is one."""
    way = [exchange.name]
    for following in reach.chain(exchange, topology):
        way.append(following.name)
        if following.name == exchange.name:
            return way
    return []


def _undeclared(exchange: str, topology: Topology) -> str:
    return f"no exchange {exchange!r} is declared{nearest(exchange, topology.exchanges)}"


def _check_bindings(one: Declared, topology: Topology) -> None:
    for target in one.service.targets:
        exchanges = dict.fromkeys(binding.exchange for binding in target.bindings)
        for exchange in exchanges:
            place = one.place(target, "bind", exchange)
            problem = _wrong_with_source(exchange, exchanges, topology)
            problem = problem or _wrong_with_arguments(exchange, target, topology)
            if problem:
                one.page.fault(place, problem)


def _wrong_with_source(exchange: str, others: dict[str, None], topology: Topology) -> str | None:
    if exchange.startswith(RETRY_PREFIX):
        return "the retry ladder is not to be bound: its messages go back to their queues"
    if exchange not in topology.exchanges:
        return _undeclared(exchange, topology)
    if exchange == DEAD_LETTER_EXCHANGE and len(others) > 1:
        return "dead letters beside events would count an event twice: give dead letters a queue or log of their own"
    return None


def _wrong_with_arguments(exchange: str, target: Queue | Log, topology: Topology) -> str | None:
    bound = [binding for binding in target.bindings if binding.exchange == exchange]
    if topology.exchanges[exchange].type == "headers":
        if not all(binding.arguments for binding in bound):
            return "a headers exchange is bound with headers, not keys: [{x-match: all, region: eu}]"
    elif any(binding.arguments for binding in bound):
        return f"headers do nothing here, {exchange!r} is a {topology.exchanges[exchange].type} exchange: write keys"
    return None


def _check_publishes(one: Declared, topology: Topology) -> None:
    for section, published in (("publishes", one.service.publishes), ("http", one.service.http)):
        for exchange in published:
            if exchange not in topology.exchanges:
                one.page.fault(one.page.place(section, exchange), _undeclared(exchange, topology))
