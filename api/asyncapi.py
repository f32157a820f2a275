"""The AsyncAPI 3 document: what goes over the bus, made from the topology and the records.

A channel is a routing key of an exchange, which services send to, or a queue or log, which they receive from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from streams import Record
from topology.matching import matches
from topology.spec import Exchange, Queue, Service, Topology

Document = dict[str, Any]
Records = Mapping[str, Sequence[type[Record]]]
"""Name of an event -> the records it is read as; its publisher's comes first."""

SCHEMAS: Final = "#/components/schemas/{name}"
_HEADERS: Final = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "description": "Events of one key keep their order."},
        "time": {"type": "integer", "description": "When it happened: milliseconds since 1970 UTC."},
        "schema": {"type": "integer", "description": "The version of the record."},
        "causation_id": {"type": "string", "description": "The id of the message that this one follows from."},
        "traceparent": {"type": "string"},
        "tracestate": {"type": "string"},
    },
}


def document(topology: Topology, records: Records, version: str) -> Document:
    """The whole of it; `version` is the shop's. Keys that are patterns are left out."""
    types = [records[key][0] for key in sorted(_keys(topology)) if key in records]
    refs, schemas = msgspec.json.schema_components(types, ref_template=SCHEMAS)
    payloads = {str(record.__event__): ref for record, ref in zip(types, refs, strict=True)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Warren",
            "version": version,
            "description": "Commands and events of the shop on RabbitMQ. Every event counts once.",
        },
        "defaultContentType": "application/json",
        "channels": {**dict(_sending(topology)), **dict(_receiving(topology))},
        "operations": dict(_operations(topology)),
        "components": {
            "schemas": schemas,
            "messages": {key: _message(key, payloads.get(key), records) for key in sorted(_keys(topology))},
        },
    }


def _message(key: str, payload: Mapping[str, Any] | None, records: Records) -> Document:
    told: Document = {"name": key, "contentType": "application/json", "headers": _HEADERS, "payload": payload or {}}
    if key in records:
        told["summary"] = (records[key][0].__doc__ or key).strip().partition("\n")[0]
    return told


def _keys(topology: Topology) -> set[str]:
    return {key for service in topology.services for _, key in _published(service)}


def _published(service: Service) -> Iterator[tuple[str, str]]:
    """Exchange and key of all that a service sends, or the edge for its clients."""
    for published in (service.publishes, service.http):
        for exchange, keys in published.items():
            yield from ((exchange, key) for key in keys if not {"*", "#"} & {*key})


def _sending(topology: Topology) -> Iterator[tuple[str, Document]]:
    for service in topology.services:
        for exchange, key in _published(service):
            yield (
                _id(exchange, key),
                {
                    "address": key,
                    "messages": _messages([key]),
                    "bindings": {"amqp": {"is": "routingKey", "exchange": _exchange(topology.exchanges[exchange])}},
                },
            )


def _receiving(topology: Topology) -> Iterator[tuple[str, Document]]:
    for service in topology.services:
        for target in service.targets:
            keys = sorted(_taken(topology, target.name))
            if keys:
                kind = "a quorum queue" if isinstance(target, Queue) else "a log: a stream of RabbitMQ"
                yield (
                    _id(target.name),
                    {
                        "address": target.name,
                        "description": kind,
                        "messages": _messages(keys),
                        "bindings": {"amqp": {"is": "queue", "queue": {"name": target.name, "durable": True}}},
                    },
                )


def _operations(topology: Topology) -> Iterator[tuple[str, Document]]:
    for service in topology.services:
        for exchange, key in _published(service):
            channel = _id(exchange, key)
            yield f"{service.name}.send.{channel}", _operation("send", channel, [key])
        for target in service.targets:
            keys = sorted(_taken(topology, target.name))
            if keys:
                channel = _id(target.name)
                yield f"{service.name}.receive.{channel}", _operation("receive", channel, keys)


def _operation(action: str, channel: str, keys: Iterable[str]) -> Document:
    # In a reference "~1" stands for "/", which ids here do not have.
    messages = [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in keys]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _taken(topology: Topology, target: str) -> set[str]:
    """The keys that come into a queue or log."""
    bindings = topology.queues[target].bindings if target in topology.queues else topology.logs[target].bindings
    sent = {pair for service in topology.services for pair in _published(service)}
    return {key for exchange, key in sent for one in bindings if one.exchange == exchange and matches(one.key, key)}


def _messages(keys: Iterable[str]) -> Document:
    return {key: {"$ref": f"#/components/messages/{key}"} for key in keys}


def _exchange(exchange: Exchange) -> Document:
    return {"name": exchange.name, "type": exchange.type, "durable": True, "autoDelete": False}


def _id(*parts: str) -> str:
    return ":".join(parts)
