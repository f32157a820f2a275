"""A topology as YAML, in the form that `load` reads."""

import yaml

from topology.spec import Binding, Exchange, Log, Queue, Service
from topology.units import format_bytes, format_duration

_WIDTH = 120


def dump(service: Service) -> str:
    """The file of a service, every setting written out, defaults too."""
    # The default flow style None keeps innermost lists and mappings on one line.
    return yaml.safe_dump(_service(service), sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None)


def _service(service: Service) -> dict[str, object]:
    content: dict[str, object] = {
        "service": service.name,
        "exchanges": {exchange.name: _exchange(exchange) for exchange in service.exchanges},
        "publishes": {name: list(keys) for name, keys in service.publishes.items()},
        "http": {name: list(keys) for name, keys in service.http.items()},
        "queues": {queue.name: _queue(queue) for queue in service.queues},
        "logs": {log.name: _log(log) for log in service.logs},
    }
    return {name: part for name, part in content.items() if part}


def _exchange(exchange: Exchange) -> dict[str, str]:
    alternate = {"alternate": exchange.alternate} if exchange.alternate else {}
    return {"type": exchange.type, **alternate}


def _queue(queue: Queue) -> dict[str, object]:
    return {**_bind(queue.bindings), "retry": list(queue.retry), "delivery-limit": queue.delivery_limit}


def _log(log: Log) -> dict[str, object]:
    content: dict[str, object] = {**_bind(log.bindings), "partitions": log.partitions}
    if log.edition > 1:
        content["edition"] = log.edition
    if log.key is not None:
        content["key"] = log.key
    age = {"age": format_duration(log.max_age)} if log.max_age else {}
    size = {"bytes": format_bytes(log.max_bytes)} if log.max_bytes else {}
    if age or size:
        content["retention"] = {**age, **size}
    if log.due:
        content["due"] = list(log.due)
    return content


def _bind(bindings: tuple[Binding, ...]) -> dict[str, object]:
    by_exchange: dict[str, list[object]] = {}
    for binding in bindings:
        by_exchange.setdefault(binding.exchange, []).append(dict(binding.arguments) or binding.key)
    return {"bind": by_exchange} if by_exchange else {}
