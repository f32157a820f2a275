"""Where the broker differs in what cannot be changed in place, with what to do about it."""

from collections.abc import Iterable

from topology.plan import Conflict
from topology.spec import Arguments, Log, is_partition
from topology.state import ExchangeState, Observed, Policy, QueueState

_NEUTRAL = frozenset(
    {
        "x-initial-cluster-size",
        "x-queue-leader-locator",
        "x-quorum-initial-group-size",
        "x-stream-max-segment-size-bytes",
    }
)
"""Arguments about where a queue lies; they change nothing of what it does."""


def exchange_conflict(wanted: ExchangeState, found: ExchangeState) -> Conflict | None:
    """Whether an exchange that stands has another type or alternate."""
    problems = _unlike(wanted.type, found.type, "its type") + _arguments(wanted.arguments, found.arguments)
    problems += _flags(wanted, found) + _unlike(wanted.internal, found.internal, "internal")
    if not problems:
        return None
    remedy = (
        f"Stop its publishers, then apply with --delete-exchange {wanted.name}: "
        "it is made anew with its bindings, if nothing undeclared is bound to it."
    )
    return Conflict("exchange", wanted.name, "; ".join(problems), remedy)


def queue_conflict(wanted: QueueState, found: QueueState) -> Conflict | None:
    """Whether a queue or stream that stands has other arguments."""
    problems = _arguments(wanted.arguments, found.arguments) + _flags(wanted, found)
    if not problems:
        return None
    return Conflict(wanted.kind, wanted.name, "; ".join(problems), _remedy(wanted))


def _remedy(wanted: QueueState) -> str:
    again = f"--delete-queue {wanted.name} makes it anew where it is empty."
    if wanted.kind == "log":
        return f"Declare a log of another name and let agents read both until the old one has expired; {again}"
    return f"Let its consumers empty it, then apply again: {again}"


def partition_conflict(log: Log, observed: Observed, declared: Iterable[str]) -> Conflict | None:
    """Whether this edition of a log stands with another number of partitions: keys would change their partition."""
    others = set(declared).difference(log.partition_names)
    standing = [name for name in observed.queues if is_partition(name, log) and name not in others]
    if standing:
        number = 1 + max(int(name.rpartition("-")[2]) for name in standing)
    else:
        number = 1 if log.name in observed.queues and log.edition == 1 else log.partitions
    if number == log.partitions:
        return None
    problem = f"it stands with partitions: {number}, the topology says {log.partitions}, and the number is fixed"
    return Conflict("log", log.name, problem, _of_another_number(log))


def _of_another_number(log: Log) -> str:
    return (
        f"Set it back; or say `edition: {log.edition + 1}` beside it and apply, and let "
        f"`warren agents repartition {log.name}` move what they keep. Nothing is moved before."
    )


def shadow_conflict(policy: Policy, log: Log, observed: Observed) -> Conflict | None:
    """Whether somebody else's policy hides the one that bounds this log. RabbitMQ applies only one to each queue."""
    standing = (observed.queues[name] for name in log.partition_names if name in observed.queues)
    for queue in standing:
        other = observed.policies.get(queue.policy or "")
        if other and other.name != policy.name and other.priority >= policy.priority:
            problem = f"the policy {other.name!r} with priority {other.priority} hides its retention"
            remedy = f"Give that policy a priority below {policy.priority}, or a pattern without {queue.name!r}."
            return Conflict("log", log.name, problem, remedy)
    return None


def _unlike(wanted: object, found: object, what: str) -> list[str]:
    return [] if wanted == found else [f"{what} is {_shown(found)}, the topology says {_shown(wanted)}"]


def _shown(value: object) -> str:
    return "not set" if value is None else repr(value)


def _arguments(wanted: Arguments, found: Arguments) -> list[str]:
    left, right = dict(wanted), {name: value for name, value in found if name not in _NEUTRAL}
    names = dict.fromkeys((*left, *right))
    return [problem for name in names for problem in _unlike(left.get(name), right.get(name), name)]


def _flags(wanted: ExchangeState | QueueState, found: ExchangeState | QueueState) -> list[str]:
    return _unlike(wanted.durable, found.durable, "durable") + _unlike(
        wanted.auto_delete, found.auto_delete, "auto-delete"
    )
