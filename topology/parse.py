"""From a YAML file to a service. What one file alone shows to be wrong is found here, the rest in `check`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from topology import naming
from topology.document import Node, Page, compose
from topology.errors import TopologyError
from topology.faults import Place
from topology.spec import Arguments, Binding, Exchange, ExchangeType, Log, Queue, Service, nearest
from topology.units import parse_bytes, parse_duration

_TYPES: tuple[ExchangeType, ...] = get_args(ExchangeType)
_LONGEST_DELAY = timedelta(milliseconds=2**32 - 1)  # RabbitMQ takes no longer message TTL


@dataclass(frozen=True, slots=True)
class Declared:
    """A service, and the page that knows where its declarations stand."""

    service: Service
    page: Page

    def place(self, target: Queue | Log, *path: str) -> Place:
        """Where something of a queue or log stands."""
        return self.page.place("logs" if isinstance(target, Log) else "queues", target.name, *path)


def parse(text: str, page: Page) -> Declared | None:
    """The service that a file declares, as far as it has no faults; None where it is no mapping at all."""
    root = compose(text, page)
    if root is None:
        return None
    if not root.is_mapping():
        root.fault("a topology file is a mapping that begins with `service: NAME`")
        return None
    fields = root.fields(("service", "exchanges", "publishes", "http", "queues", "logs"))
    if "service" not in fields:
        root.fault("the file does not say whose it is: begin with `service: NAME`")
    return Declared(_service(fields), page)


def _service(fields: dict[str, Node]) -> Service:
    return Service(
        name=_service_name(fields.get("service")),
        exchanges=tuple(_exchange(name, node) for name, node in _named(fields.get("exchanges"))),
        publishes={name: _keys(node) for name, node in _entries(fields.get("publishes"))},
        http={name: _keys(node) for name, node in _entries(fields.get("http"))},
        queues=tuple(_queue(name, node) for name, node in _named(fields.get("queues"))),
        logs=tuple(_log(name, node) for name, node in _named(fields.get("logs"))),
    )


def _entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    return node.entries() if node else iter(())


def _named(node: Node | None) -> Iterator[tuple[str, Node]]:
    for name, value in _entries(node):
        _blame(value, naming.wrong_with_name(name))
        yield name, value


def _blame(node: Node, problem: str | None) -> None:
    if problem:
        node.fault(problem)


def _service_name(node: Node | None) -> str:
    name = node.text() if node else None
    if node and name is not None:
        _blame(node, naming.wrong_with_service(name))
    return name or ""


def _exchange(name: str, node: Node) -> Exchange:
    fields = node.fields(("type", "alternate"))
    alternate = fields.get("alternate")
    return Exchange(name, _exchange_type(fields.get("type")), alternate.text() if alternate else None)


def _exchange_type(node: Node | None) -> ExchangeType:
    wanted = node.text() if node else None
    for known in _TYPES:
        if wanted == known:
            return known
    if node and wanted is not None:
        node.fault(f"there is no exchange type {wanted!r}{nearest(wanted, _TYPES)} (known: {', '.join(_TYPES)})")
    return "topic"


def _queue(name: str, node: Node) -> Queue:
    fields = node.fields(("bind", "retry", "delivery-limit"))
    default = Queue(name)
    retry = fields.get("retry")
    return Queue(
        name=name,
        bindings=_bindings(fields.get("bind")),
        retry=default.retry if retry is None else _rungs(retry),
        delivery_limit=_number(fields.get("delivery-limit"), default.delivery_limit),
    )


def _rungs(node: Node) -> tuple[str, ...]:
    return tuple(rung for rung, item in node.words() if _is_rung(rung, item))


def _is_rung(rung: str, item: Node) -> bool:
    delay = _duration(item)
    if delay is not None and delay > _LONGEST_DELAY:
        item.fault(f"the delay {rung} is too long: RabbitMQ takes at most 49d")
    return delay is not None and delay <= _LONGEST_DELAY


def _log(name: str, node: Node) -> Log:
    fields = node.fields(("bind", "partitions", "key", "retention", "due", "edition"))
    key, retention = fields.get("key"), fields.get("retention")
    bounds = retention.fields(("age", "bytes")) if retention else {}
    if retention and retention.is_empty():
        retention.fault("say how long or how much to keep: {age: 90d}, {bytes: 5GB} or both")
    partitions, edition = _number(fields.get("partitions"), 1), _number(fields.get("edition"), 1)
    return Log(
        name=name,
        bindings=_bindings(fields.get("bind")),
        partitions=partitions,
        key=key.text() if key else None,
        max_age=_age(bounds.get("age")),
        max_bytes=_bytes(bounds.get("bytes")),
        due=_types(fields.get("due")),
        edition=edition,
    )


def _number(node: Node | None, default: int) -> int:
    number = node.number(1) if node else None
    return default if number is None else number


def _duration(node: Node) -> timedelta | None:
    value = node.scalar()
    try:
        return None if value is None else parse_duration(str(value))
    except TopologyError as error:
        node.fault(str(error))
        return None


def _age(node: Node | None) -> timedelta | None:
    age = _duration(node) if node else None
    if node and age is not None and age % timedelta(seconds=1):
        node.fault("an age is counted in whole seconds")
        return None
    return age


def _bytes(node: Node | None) -> int | None:
    if node is None:
        return None
    value = node.scalar()
    try:
        return None if value is None else parse_bytes(str(value))
    except TopologyError as error:
        node.fault(str(error))
        return None


def _keys(node: Node) -> tuple[str, ...]:
    if node.is_empty():
        node.fault("no keys: write ['#'] for all of them, or leave this out")
    keys: dict[str, None] = {}
    for key, item in node.words():
        _blame(item, f"{key!r} is listed twice" if key in keys else naming.wrong_with_key(key))
        keys[key] = None
    return tuple(keys)


def _types(node: Node | None) -> tuple[str, ...]:
    """Keys without wildcards."""
    types = _keys(node) if node else ()
    for name in types:
        if node and ("*" in name or "#" in name):
            node.fault(f"{name!r} is a pattern: what comes due has a type, such as order.overdue")
    return types


def _bindings(node: Node | None) -> tuple[Binding, ...]:
    return tuple(binding for exchange, keys in _entries(node) for binding in _bound(exchange, keys))


def _bound(exchange: str, node: Node) -> Iterator[Binding]:
    if node.is_mapping_list():
        return (Binding(exchange, "", _arguments(item)) for item in node.items())
    return (Binding(exchange, key) for key in _keys(node))


def _arguments(node: Node) -> Arguments:
    """What a binding to a headers exchange asks for: `{x-match: any, region: eu}`."""
    values = ((name, value.scalar()) for name, value in node.entries())
    return tuple((name, value) for name, value in values if value is not None)
