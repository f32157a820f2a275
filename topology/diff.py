"""From a topology and what is observed of a broker to a plan. Pure: nothing is asked and nothing is changed."""

from collections.abc import Iterable, Iterator, Mapping

from topology.access import permissions, topic_permissions
from topology.conflicts import exchange_conflict, partition_conflict, queue_conflict, shadow_conflict
from topology.credentials import Password, StoredPassword, variable
from topology.deletion import Change, delete
from topology.plan import Conflict, Deletions, Plan, Step
from topology.spec import SHARED, Topology
from topology.state import Account, Observed, QueueState, Subject, in_order
from topology.wanted import Wanted, retention


def diff(
    topology: Topology,
    observed: Observed,
    *,
    passwords: Mapping[str, Password] | None = None,
    deletions: Deletions | None = None,
) -> Plan:
    """What makes the broker as the topology wants it.

    Queues, logs and exchanges are never deleted, unless `deletions` names them and they are empty. Bindings that are
    not declared are removed from declared queues and logs alone. With `passwords` (by service) users and their
    permissions are looked after too; a user whose password is not given keeps the one it has.
    """
    wanted = Wanted(topology)
    changes, left = delete(wanted, observed, deletions or Deletions())
    changes += [
        *_policies(wanted, left),
        *_exchanges(wanted, left),
        *_queues(wanted.queues, left),
        *_logs(wanted, left),
        *_bindings(wanted, left),
        *(_access(topology, left, passwords) if passwords is not None else ()),
    ]
    return Plan(
        steps=tuple(change for change in changes if isinstance(change, Step)),
        conflicts=tuple(change for change in changes if isinstance(change, Conflict)),
        undeclared=tuple(_undeclared(wanted, left)),
    )


def _policies(wanted: Wanted, observed: Observed) -> Iterator[Change]:
    """Before the streams that they bound."""
    for log in wanted.topology.logs.values():
        policy = retention(log)
        if policy.definition:
            yield from _put(policy, observed.policies.get(policy.name))
            conflict = shadow_conflict(policy, log, observed)
            yield from (conflict,) if conflict else ()
        elif policy.name in observed.policies:
            yield Step("remove", observed.policies[policy.name])


def _put(wanted: Subject, found: Subject | None) -> Iterator[Step]:
    if found != wanted:
        yield Step("change" if found else "create", wanted)


def _exchanges(wanted: Wanted, observed: Observed) -> Iterator[Change]:
    for exchange in wanted.exchanges:
        found = observed.exchanges.get(exchange.name)
        change = exchange_conflict(exchange, found) if found else Step("create", exchange)
        yield from (change,) if change else ()


def _queues(wanted: Iterable[QueueState], observed: Observed) -> Iterator[Change]:
    for queue in wanted:
        found = observed.queues.get(queue.name)
        change = queue_conflict(queue, found) if found else Step("create", queue)
        yield from (change,) if change else ()


def _logs(wanted: Wanted, observed: Observed) -> Iterator[Change]:
    for log in wanted.topology.logs.values():
        conflict = partition_conflict(log, observed, wanted.names)
        yield from (conflict,) if conflict else _queues(wanted.logs[log.name], observed)


def _bindings(wanted: Wanted, observed: Observed) -> Iterator[Step]:
    """New ones first, so that no key is without a binding in between."""
    declared = set(wanted.bindings)
    yield from (Step("create", binding) for binding in wanted.bindings if binding not in observed.bindings)
    for binding in in_order(observed.bindings):
        if binding not in declared and binding.destination_type == "queue" and binding.destination in wanted.names:
            yield Step("remove", binding)


def _access(topology: Topology, observed: Observed, passwords: Mapping[str, Password]) -> Iterator[Change]:
    for service in topology.services:
        stored = observed.users.get(service.name)
        if stored and "administrator" in stored.tags:
            remedy = "Give the administrator, or the service, another name."
            yield Conflict("user", service.name, "an administrator would lose its permissions", remedy)
            continue
        password = passwords.get(service.name)
        if service.name == SHARED and stored is None and password is None:
            continue  # in most deployments nobody connects as this service
        yield from _account(service.name, stored, password)
        yield from _put(permissions(service, topology), observed.permissions.get(service.name))
        for topic in topic_permissions(service, topology):
            yield from _put(topic, observed.topic_permissions.get((topic.name, topic.exchange)))


def _account(name: str, stored: StoredPassword | None, password: Password | None) -> Iterator[Change]:
    if stored is None and password is None:
        remedy = f"Set {variable(name)}, or put a file {name!r} into the folder that --secrets names."
        yield Conflict("user", name, "it is to be created, and there is no password for it", remedy)
    elif password and stored is None:
        yield Step("create", Account(name, password))
    elif password and stored and not stored.accepts(password):
        yield Step("change", Account(name, password, stored.tags))


def _undeclared(wanted: Wanted, observed: Observed) -> Iterator[Subject]:
    declared = {exchange.name for exchange in wanted.exchanges}
    for name, exchange in sorted(observed.exchanges.items()):
        if name not in declared and not exchange.auto_delete:
            yield exchange
    for name, queue in sorted(observed.queues.items()):
        if name not in wanted.names and not queue.auto_delete:
            yield queue
