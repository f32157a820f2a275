"""What RabbitMQ makes of a step, as a function of values."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import replace

from topology.credentials import StoredPassword
from topology.plan import Step
from topology.state import (
    Account,
    BindingState,
    ExchangeState,
    Observed,
    Permissions,
    Policy,
    QueueState,
    TopicPermission,
)


def after(observed: Observed, steps: Iterable[Step]) -> Observed:
    """The broker after these steps. Fails where RabbitMQ would refuse one, or a step loses something."""
    for step in steps:
        observed = _removed(observed, step) if step.action == "remove" else _put(observed, step)
    return observed


def _put(observed: Observed, step: Step) -> Observed:
    match step.subject:
        case ExchangeState() as exchange:
            assert exchange.name not in observed.exchanges, "RabbitMQ refuses to change an exchange"
            return replace(observed, exchanges={**observed.exchanges, exchange.name: exchange})
        case QueueState() as queue:
            assert queue.name not in observed.queues, "RabbitMQ refuses to change a queue"
            return replace(observed, queues={**observed.queues, queue.name: replace(queue, messages=0)})
        case BindingState() as binding:
            assert binding.exchange in observed.exchanges, "there is no such exchange to bind"
            assert binding.destination in observed.queues, "there is no such queue to bind"
            return replace(observed, bindings=observed.bindings | {binding})
        case Policy() as policy:
            return replace(observed, policies={**observed.policies, policy.name: policy})
        case Account() as account:
            stored = _stored(account)
            return replace(observed, users={**observed.users, account.name: stored})
        case Permissions() as granted:
            assert granted.name in observed.users, "there is no such user"
            return replace(observed, permissions={**observed.permissions, granted.name: granted})
        case TopicPermission() as topic:
            assert topic.name in observed.users, "there is no such user"
            topics = {**observed.topic_permissions, (topic.name, topic.exchange): topic}
            return replace(observed, topic_permissions=topics)


def _removed(observed: Observed, step: Step) -> Observed:
    match step.subject:
        case ExchangeState(name=name):
            assert not any(binding.exchange == name for binding in observed.bindings), "the exchange is in use"
            return replace(observed, exchanges={n: e for n, e in observed.exchanges.items() if n != name})
        case QueueState(name=name):
            assert observed.queues[name].messages == 0, "messages would be lost"
            left = frozenset(binding for binding in observed.bindings if binding.destination != name)
            return replace(observed, queues={n: q for n, q in observed.queues.items() if n != name}, bindings=left)
        case BindingState() as binding:
            assert binding in observed.bindings
            return replace(observed, bindings=observed.bindings - {binding})
        case Policy(name=name):
            return replace(observed, policies={n: p for n, p in observed.policies.items() if n != name})
        case _:
            raise AssertionError(f"the tool never removes a {step.subject.kind}")


def _stored(account: Account) -> StoredPassword:
    salted = b"salt" + account.password.value.encode()
    hashed = base64.b64encode(b"salt" + hashlib.sha256(salted).digest()).decode()
    return StoredPassword(hashed, "rabbit_password_hashing_sha256", account.tags)
