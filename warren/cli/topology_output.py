"""Plans and faults of the topology, as lines for people and as JSON for programs."""

from collections.abc import Iterable

from topology.faults import Fault
from topology.load import Reading
from topology.plan import Conflict, Plan, Step
from topology.state import Subject

_SIGNS = {"create": "+", "change": "~", "remove": "-"}


def step_line(step: Step) -> str:
    """`+ exchange order.events (topic, alternate-exchange unrouted)`"""
    subject = step.subject
    undeclared = ", not declared" if step.action == "remove" and subject.kind == "binding" else ""
    return f"{_SIGNS[step.action]} {subject.kind} {subject.name} ({subject.detail}{undeclared})"


def plan_lines(plan: Plan) -> Iterable[str]:
    """Every step, then what stands in the way, what is left alone, and a summary."""
    yield from map(step_line, plan.steps)
    yield from (f"! {conflict}" for conflict in plan.conflicts)
    if plan.undeclared:
        names = ", ".join(f"{subject.kind} {subject.name}" for subject in plan.undeclared)
        yield f"Not declared, left alone: {names}"
    yield summary(plan)


def summary(plan: Plan) -> str:
    """How much there is to do."""
    if plan.conflicts:
        return f"{_count(len(plan.conflicts), 'conflict')}: nothing will be applied until that is settled."
    if not plan.steps:
        return "Nothing to do: the broker is as the topology says."
    counts = {action: sum(step.action == action for step in plan.steps) for action in _SIGNS}
    return ", ".join(f"{number} to {action}" for action, number in counts.items() if number) + "."


def verdict(reading: Reading) -> str:
    """What was found in the files."""
    if reading.faults:
        return f"{_count(len(reading.errors), 'error')}, {_count(len(reading.warnings), 'warning')}."
    topology = reading.topology
    parts = {
        "service": topology.services,
        "exchange": topology.exchanges,
        "queue": topology.queues,
        "log": topology.logs,
    }
    return "The topology is sound: " + ", ".join(_count(len(part), name) for name, part in parts.items()) + "."


def plan_json(plan: Plan) -> dict[str, object]:
    return {
        "steps": [{"action": step.action, **_subject(step.subject)} for step in plan.steps],
        "conflicts": [_conflict(conflict) for conflict in plan.conflicts],
        "undeclared": [_subject(subject) for subject in plan.undeclared],
    }


def faults_json(faults: Iterable[Fault]) -> list[dict[str, object]]:
    return [
        {
            "severity": fault.severity,
            "file": fault.place.file,
            "line": fault.place.line,
            "column": fault.place.column,
            "path": fault.place.path,
            "message": fault.message,
        }
        for fault in faults
    ]


def _subject(subject: Subject) -> dict[str, str]:
    return {"kind": subject.kind, "name": subject.name, "detail": subject.detail}


def _conflict(conflict: Conflict) -> dict[str, str]:
    return {"kind": conflict.kind, "name": conflict.name, "problem": conflict.problem, "remedy": conflict.remedy}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
