"""Reading a vhost through the management API."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import msgspec

from topology.credentials import StoredPassword
from topology.errors import BrokerRefused
from topology.management import Management
from topology.spec import Arguments, nearest
from topology.state import (
    BindingState,
    ExchangeState,
    Observed,
    Permissions,
    Policy,
    QueueState,
    TopicPermission,
)

_OLDEST = (3, 10)


class _Overview(msgspec.Struct):
    rabbitmq_version: str


class _Vhost(msgspec.Struct):
    name: str


class _Exchange(msgspec.Struct):
    name: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: dict[str, object]


class _Queue(msgspec.Struct):
    name: str
    durable: bool
    auto_delete: bool
    arguments: dict[str, object]
    exclusive: bool | None = None
    messages: int | None = None
    policy: str | None = None


class _Binding(msgspec.Struct):
    source: str
    destination: str
    destination_type: Literal["queue", "exchange"]
    routing_key: str
    arguments: dict[str, object]
    properties_key: str


class _Policy(msgspec.Struct):
    name: str
    pattern: str
    definition: dict[str, object]
    priority: int
    apply_to: str = msgspec.field(name="apply-to")


class _User(msgspec.Struct):
    name: str
    password_hash: str
    tags: list[str]
    hashing_algorithm: str = ""


class _Permissions(msgspec.Struct):
    user: str
    configure: str
    write: str
    read: str


class _TopicPermission(msgspec.Struct):
    user: str
    exchange: str
    write: str
    read: str


async def observe(management: Management, vhost: str, *, users: bool = False) -> Observed:
    """What the vhost holds; with `users`, the broker's users and their permissions there as well.

    Left out is what belongs to RabbitMQ or to a connection: `amq.…`, the default exchange, exclusive queues.
    Raises BrokerUnreachable and BrokerRefused, the latter too where the broker is too old or has no such vhost.
    """
    await _check_version(management)
    await _check_vhost(management, vhost)
    exchanges = await management.get(list[_Exchange], "exchanges", vhost)
    queues = await management.get(list[_Queue], "queues", vhost)
    bindings = await management.get(list[_Binding], "bindings", vhost)
    policies = await management.get(list[_Policy], "policies", vhost)
    seen = Observed(
        exchanges={e.name: _exchange(e) for e in exchanges if not _is_builtin(e.name)},
        queues={q.name: _queue(q) for q in queues if not (q.exclusive or _is_builtin(q.name))},
        bindings=frozenset(_binding(binding) for binding in bindings if binding.source),
        policies={p.name: _policy(p) for p in policies},
    )
    return await _with_users(management, vhost, seen) if users else seen


async def length(management: Management, vhost: str, queue: str) -> int | None:
    """The messages of a queue or stream as they were up to 10 s ago; None where statistics do not tell."""
    return (await management.get(_Queue, "queues", vhost, queue)).messages


async def _check_version(management: Management) -> None:
    version = (await management.get(_Overview, "overview")).rabbitmq_version
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise BrokerRefused(f"RabbitMQ {version} is too old: 3.10 or newer is needed, for at-least-once dead-lettering")


async def _check_vhost(management: Management, vhost: str) -> None:
    names = [found.name for found in await management.get(list[_Vhost], "vhosts")]
    if vhost not in names:
        hint = nearest(vhost, names)
        raise BrokerRefused(f"there is no vhost {vhost!r}{hint}; `rabbitmqctl add_vhost {vhost}` makes one")


async def _with_users(management: Management, vhost: str, seen: Observed) -> Observed:
    users = await management.get(list[_User], "users")
    permissions = await management.get(list[_Permissions], "vhosts", vhost, "permissions")
    topics = await management.get(list[_TopicPermission], "vhosts", vhost, "topic-permissions")
    return replace(
        seen,
        users={
            user.name: StoredPassword(user.password_hash, user.hashing_algorithm, tuple(user.tags)) for user in users
        },
        permissions={p.user: Permissions(p.user, p.configure, p.write, p.read) for p in permissions},
        topic_permissions={(t.user, t.exchange): TopicPermission(t.user, t.exchange, t.write, t.read) for t in topics},
    )


def _is_builtin(name: str) -> bool:
    return not name or name.startswith("amq.")


def _exchange(found: _Exchange) -> ExchangeState:
    arguments = _arguments(found.arguments)
    return ExchangeState(found.name, found.type, arguments, found.durable, found.auto_delete, found.internal)


def _queue(found: _Queue) -> QueueState:
    arguments = _arguments(found.arguments)
    return QueueState(found.name, arguments, found.durable, found.auto_delete, found.messages, found.policy)


def _binding(found: _Binding) -> BindingState:
    return BindingState(
        exchange=found.source,
        destination=found.destination,
        key=found.routing_key,
        arguments=_arguments(found.arguments),
        destination_type=found.destination_type,
        properties_key=found.properties_key,
    )


def _policy(found: _Policy) -> Policy:
    return Policy(found.name, found.pattern, _arguments(found.definition), found.priority, found.apply_to)


def _arguments(found: Mapping[str, object]) -> Arguments:
    return tuple((name, value if isinstance(value, str | int) else str(value)) for name, value in sorted(found.items()))
