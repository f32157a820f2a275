"""What a topology asks of a broker: exchanges, quorum queues, streams, bindings and policies.

Arguments hold what decides about a message's fate; nobody can change them, and no policy of others can shadow them.
The retention of a log stands in a policy, because a stream cannot be declared anew without losing its history.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from topology.spec import (
    DEAD_LETTER_EXCHANGE,
    RETRY_PREFIX,
    WAY_BACK,
    Arguments,
    Binding,
    Exchange,
    Log,
    Queue,
    Topology,
)
from topology.state import BindingState, ExchangeState, Policy, QueueState
from topology.units import format_duration, parse_duration

_SAFE_DEAD_LETTERING: Arguments = (
    ("x-dead-letter-strategy", "at-least-once"),
    ("x-overflow", "reject-publish"),  # RabbitMQ falls back to at-most-once without it
)
# The default exchange would do, but a message whose queue is gone would stay on its rung for ever, and 32 of them stop
# the rung for all queues: so many unconfirmed messages RabbitMQ allows to a queue's at-least-once dead-lettering.
_BACK = ExchangeState(WAY_BACK, "direct", (("alternate-exchange", DEAD_LETTER_EXCHANGE),))


@dataclass(frozen=True)
class Wanted:
    """The parts of a topology, each in the order in which it is to be made."""

    topology: Topology

    @cached_property
    def exchanges(self) -> tuple[ExchangeState, ...]:
        ladder = [ExchangeState(name, "fanout") for name in self._ladder]
        return (*map(_exchange, _alternates_first(self.topology)), *ladder, *([_BACK] if ladder else []))

    @cached_property
    def queues(self) -> tuple[QueueState, ...]:
        """The retry ladder and the quorum queues."""
        ladder = (_delay(name, parse_duration(rung)) for name, rung in self._ladder.items())
        return (*ladder, *map(_queue, self.topology.queues.values()))

    @cached_property
    def logs(self) -> dict[str, tuple[QueueState, ...]]:
        """The streams of each log: the last partition first and the intake last. So the highest one that stands tells
        how many partitions there are to be, even where making them was interrupted."""
        return {log.name: _streams(log) for log in self.topology.logs.values()}

    @cached_property
    def names(self) -> frozenset[str]:
        """Of all queues and streams."""
        return frozenset(
            queue.name for queue in (*self.queues, *(s for streams in self.logs.values() for s in streams))
        )

    @cached_property
    def bindings(self) -> tuple[BindingState, ...]:
        targets = (target for service in self.topology.services for target in service.targets)
        declared = [_binding(binding, target.name) for target in targets for binding in target.bindings]
        ladder = [BindingState(name, name, "") for name in self._ladder]
        back = [BindingState(WAY_BACK, name, name) for name in self.topology.queues if ladder]
        return tuple(dict.fromkeys((*ladder, *back, *declared)))

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        return tuple(retention(log) for log in self.topology.logs.values() if _keeps(log))

    @cached_property
    def _ladder(self) -> dict[str, str]:
        rungs = sorted(self.topology.retry_delays(), key=lambda rung: (parse_duration(rung), rung))
        return {f"{RETRY_PREFIX}{rung}": rung for rung in rungs}


def retention(log: Log) -> Policy:
    """The policy that bounds a log and its partitions, those of earlier editions too."""
    earlier = r"(\.[0-9]+)?" if log.edition > 1 else ""
    partitions = f"({earlier}-[0-9]+)?" if log.partitions > 1 or log.edition > 1 else ""
    return Policy(f"warren.{log.name}", f"^{re.escape(log.name)}{partitions}$", _keeps(log))


def _keeps(log: Log) -> Arguments:
    age: Arguments = (("max-age", format_duration(log.max_age).replace("d", "D")),) if log.max_age else ()
    size: Arguments = (("max-length-bytes", log.max_bytes),) if log.max_bytes else ()
    return age + size


def _exchange(exchange: Exchange) -> ExchangeState:
    alternate: Arguments = (("alternate-exchange", exchange.alternate),) if exchange.alternate else ()
    return ExchangeState(exchange.name, exchange.type, alternate)


def _binding(binding: Binding, target: str) -> BindingState:
    return BindingState(binding.exchange, target, binding.key, tuple(sorted(binding.arguments)))


def _alternates_first(topology: Topology) -> Iterator[Exchange]:
    made: set[str] = set()
    for exchange in topology.exchanges.values():
        chain = [exchange]
        while chain[-1].alternate and chain[-1].alternate not in made:
            chain.append(topology.exchanges[chain[-1].alternate])
        yield from (link for link in reversed(chain) if link.name not in made)
        made |= {link.name for link in chain}


def _queue(queue: Queue) -> QueueState:
    arguments: Arguments = (
        ("x-queue-type", "quorum"),
        ("x-delivery-limit", queue.delivery_limit),
        ("x-dead-letter-exchange", DEAD_LETTER_EXCHANGE),
        ("x-dead-letter-routing-key", queue.name),
        *_SAFE_DEAD_LETTERING,
    )
    return QueueState(queue.name, tuple(sorted(arguments)))


def _delay(name: str, delay: timedelta) -> QueueState:
    arguments: Arguments = (
        ("x-queue-type", "quorum"),
        ("x-message-ttl", delay // timedelta(milliseconds=1)),
        ("x-dead-letter-exchange", WAY_BACK),  # the routing key stays: it is the name of the source queue
        *_SAFE_DEAD_LETTERING,
    )
    return QueueState(name, tuple(sorted(arguments)))


def _streams(log: Log) -> tuple[QueueState, ...]:
    partitions = log.partition_names if log.partitions > 1 else ()
    return tuple(QueueState(name, (("x-queue-type", "stream"),)) for name in (*reversed(partitions), log.name))
