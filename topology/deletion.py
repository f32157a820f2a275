"""Deleting what the user names, as far as that loses nothing."""

from collections.abc import Iterator
from dataclasses import replace

from topology.conflicts import exchange_conflict, partition_conflict, queue_conflict
from topology.plan import Conflict, Deletions, Step
from topology.state import BindingState, ExchangeState, Observed, QueueState, in_order
from topology.wanted import Wanted

Change = Step | Conflict


def delete(wanted: Wanted, observed: Observed, deletions: Deletions) -> tuple[list[Change], Observed]:
    """The steps that delete what is named, refusals as conflicts, and what is left of the broker after them."""
    queues = [queue for name, queue in observed.queues.items() if name in deletions.queues]
    changes = [change for queue in queues for change in _queue(queue, wanted, observed)]
    left = _without(observed, changes)
    exchanges = [exchange for name, exchange in left.exchanges.items() if name in deletions.exchanges]
    more = [change for exchange in exchanges for change in _exchange(exchange, wanted, left)]
    return changes + more, _without(left, more)


def _queue(queue: QueueState, wanted: Wanted, observed: Observed) -> Iterator[Change]:
    if queue.name in wanted.names and queue.name not in _in_the_way(wanted, observed):
        remedy = "Take it out of the topology before you delete it."
        yield Conflict(queue.kind, queue.name, "it is declared, and as the topology wants it", remedy)
    elif queue.messages is None:
        remedy = "The management plugin learns it within 10 s unless its statistics are off: try again."
        yield Conflict(queue.kind, queue.name, "it is not known whether it is empty", remedy)
    elif queue.messages:
        yield Conflict(queue.kind, queue.name, f"it holds {queue.messages} messages", _emptying(queue))
    else:
        yield from (Step("remove", b) for b in in_order(observed.bindings) if _leads_to(b, queue))
        yield Step("remove", queue)


def _emptying(queue: QueueState) -> str:
    if queue.kind == "log":
        return "Only its retention empties a log."
    return "Let its consumers empty it, or move its messages, and try again."


def _in_the_way(wanted: Wanted, observed: Observed) -> set[str]:
    """Declared queues and logs that stand in a way that cannot be changed."""
    found: set[str] = set()
    for log in wanted.topology.logs.values():
        if partition_conflict(log, observed, wanted.names):
            found |= {log.name, *log.partition_names}
    streams = (stream for streams in wanted.logs.values() for stream in streams)
    for queue in (*wanted.queues, *streams):
        if queue.name in observed.queues and queue_conflict(queue, observed.queues[queue.name]):
            found.add(queue.name)
    return found


def _exchange(exchange: ExchangeState, wanted: Wanted, observed: Observed) -> Iterator[Change]:
    declared = next((e for e in wanted.exchanges if e.name == exchange.name), None)
    bound = [binding for binding in in_order(observed.bindings) if binding.exchange == exchange.name]
    foreign = [b.destination for b in bound if b.destination_type == "exchange" or b.destination not in wanted.names]
    if declared and not exchange_conflict(declared, exchange):
        remedy = "Take it out of the topology before you delete it."
        yield Conflict(exchange.kind, exchange.name, "it is declared, and as the topology wants it", remedy)
    elif foreign:
        remedy = "Remove these bindings, or delete what they lead to."
        yield Conflict(exchange.kind, exchange.name, f"still bound to it: {', '.join(foreign)}", remedy)
    else:
        yield from (Step("remove", binding) for binding in bound)
        yield Step("remove", exchange)


def _leads_to(binding: BindingState, queue: QueueState) -> bool:
    return binding.destination_type == "queue" and binding.destination == queue.name


def _without(observed: Observed, changes: list[Change]) -> Observed:
    gone = [change.subject for change in changes if isinstance(change, Step)]
    return replace(
        observed,
        queues={name: queue for name, queue in observed.queues.items() if queue not in gone},
        exchanges={name: exchange for name, exchange in observed.exchanges.items() if exchange not in gone},
        bindings=frozenset(binding for binding in observed.bindings if binding not in gone),
    )
