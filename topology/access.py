"""What the user of a service may do: read its own queues and logs, publish the keys that it declares, and listen to
table changes."""

import re
from collections.abc import Iterable, Iterator

from topology.spec import DEAD_LETTER_EXCHANGE, RETRY_PREFIX, TABLE_CHANGES, Service, Topology
from topology.state import Permissions, TopicPermission

_NOTHING = "^$"
_LISTENING = r"amq\.gen.*"  # queues that RabbitMQ names; they are exclusive: nobody reads another connection's
_DEFAULT_EXCHANGE = "amq.default"  # the name under which RabbitMQ checks permissions of the exchange ""


def permissions(service: Service, topology: Topology) -> Permissions:
    """Nothing to configure but queues to listen with: the topology is declared by the tool alone.

    The edge, which opens keys to HTTP, reads every log, for clients that may.
    """
    readable = (*_reads(service), *(topology.logs if service.http else ()))
    write, read = (_alternatives((*names, _LISTENING)) for names in (_escaped(_writes(service)), _escaped(readable)))
    return Permissions(service.name, _alternatives([_LISTENING]), write, read)


def topic_permissions(service: Service, topology: Topology) -> Iterator[TopicPermission]:
    """One for each topic exchange that the service publishes to. RabbitMQ allows every key where there is none."""
    for exchange in dict.fromkeys((*service.publishes, *service.http)):
        if topology.exchanges[exchange].type == "topic":
            keys = (*service.publishes.get(exchange, ()), *service.http.get(exchange, ()))
            yield TopicPermission(service.name, exchange, _alternatives(map(pattern_regex, keys)), _NOTHING)


def pattern_regex(pattern: str) -> str:
    """A regular expression, without anchors, for the routing keys that a topic pattern matches."""
    words = re.sub(r"(^|\.)#(\.#)+(?=\.|$)", r"\1#", pattern).split(".")
    if words == ["#"]:
        return ".*"
    parts = {"*": r"\.[^.]*", "#": r"(\.[^.]*)*"}
    not_empty = "(?!$)" if set(words) <= {"*", "#"} else ""  # the empty key has no word for a star
    rest = "".join(parts.get(word, rf"\.{re.escape(word)}") for word in words[words[0] == "#" :])
    return not_empty + r"([^.]*\.)*" * (words[0] == "#") + rest.removeprefix(r"\.")


def _reads(service: Service) -> Iterator[str]:
    yield from (queue.name for queue in service.queues)
    yield from _streams(service)
    yield TABLE_CHANGES


def _writes(service: Service) -> Iterator[str]:
    yield from (*service.publishes, *service.http, DEAD_LETTER_EXCHANGE, TABLE_CHANGES)
    yield from (f"{RETRY_PREFIX}{rung}" for queue in service.queues for rung in queue.retry)
    yield from _streams(service)
    if service.logs:
        yield _DEFAULT_EXCHANGE  # due times and forwarders publish to a log by its name


def _streams(service: Service) -> Iterator[str]:
    yield from (name for log in service.logs for name in (log.name, *log.partition_names))


def _escaped(names: Iterable[str]) -> list[str]:
    return [re.escape(name) for name in dict.fromkeys(names)]


def _alternatives(expressions: Iterable[str]) -> str:
    return f"^({'|'.join(expressions)})$"
