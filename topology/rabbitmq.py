"""Applying a plan to RabbitMQ.

Everything goes through the management API, declarations too. Users and permissions can be made nowhere else, so one
address and one administrator do for all, and a deployment needs no AMQP connection to prepare a broker.
"""

import asyncio
from collections.abc import Callable, Sequence

from topology.errors import BrokerRefused
from topology.management import Management
from topology.observe import length
from topology.plan import Step
from topology.state import (
    Account,
    BindingState,
    ExchangeState,
    Permissions,
    Policy,
    QueueState,
    Subject,
    TopicPermission,
)

_STATISTICS_SECONDS = 12.0  # queues tell their length every 5 s, and the management plugin samples that every 5 s


async def apply(
    management: Management,
    vhost: str,
    steps: Sequence[Step],
    *,
    report: Callable[[Step], None] = lambda step: None,
    settle: float = _STATISTICS_SECONDS,
) -> None:
    """Take the steps of a plan, one after the other; `report` is called after each.

    Every step can be repeated: after a failure or an interruption a new plan holds what is left to do. A queue or log
    is deleted only if it is still empty `settle` seconds after its last binding is gone.
    Raises BrokerUnreachable, BrokerRefused.
    """
    for step in steps:
        path = _path(step.subject, vhost)
        if step.action == "remove":
            await _remove(management, step.subject, path, settle)
        elif isinstance(step.subject, BindingState):
            await management.post(_body(step.subject), *path)
        else:
            await management.put(_body(step.subject), *path)
        report(step)


async def _remove(management: Management, subject: Subject, path: Sequence[str], settle: float) -> None:
    match subject:
        case BindingState():
            await management.delete(*path, subject.properties_key)
        case ExchangeState():
            await management.delete(*path, if_unused=True)
        case QueueState():
            await _check_empty(management, subject, path, settle)
            await management.delete(*path)
        case _:
            await management.delete(*path)


async def _check_empty(management: Management, queue: QueueState, path: Sequence[str], settle: float) -> None:
    # RabbitMQ refuses `if-empty` for quorum queues, and overlooks it for streams: it would delete a full one.
    await asyncio.sleep(settle)
    messages = await length(management, path[1], queue.name)
    if messages != 0:
        held = "an unknown number of" if messages is None else messages
        raise BrokerRefused(
            f"the {queue.kind} {queue.name} holds {held} messages: it was left standing, without bindings. "
            "Empty it and apply again; without --delete-queue, apply puts back the bindings that are declared"
        )


def _path(subject: Subject, vhost: str) -> tuple[str, ...]:
    match subject:
        case ExchangeState():
            return ("exchanges", vhost, subject.name)
        case QueueState():
            return ("queues", vhost, subject.name)
        case BindingState():
            return ("bindings", vhost, "e", subject.exchange, subject.destination_type[0], subject.destination)
        case Policy():
            return ("policies", vhost, subject.name)
        case Account():
            return ("users", subject.name)
        case Permissions():
            return ("permissions", vhost, subject.name)
        case TopicPermission():
            return ("topic-permissions", vhost, subject.name)


def _body(subject: Subject) -> dict[str, object]:
    match subject:
        case ExchangeState():
            return {**_queue_or_exchange(subject), "type": subject.type, "internal": subject.internal}
        case QueueState():
            return _queue_or_exchange(subject)
        case BindingState():
            return {"routing_key": subject.key, "arguments": dict(subject.arguments)}
        case Policy(pattern=pattern, priority=priority, apply_to=apply_to):
            definition = dict(subject.definition)
            return {"pattern": pattern, "priority": priority, "apply-to": apply_to, "definition": definition}
        case Account():
            return {"password": subject.password.value, "tags": ",".join(subject.tags)}
        case Permissions():
            return {"configure": subject.configure, "write": subject.write, "read": subject.read}
        case TopicPermission():
            return {"exchange": subject.exchange, "write": subject.write, "read": subject.read}


def _queue_or_exchange(subject: ExchangeState | QueueState) -> dict[str, object]:
    return {"durable": subject.durable, "auto_delete": subject.auto_delete, "arguments": dict(subject.arguments)}
