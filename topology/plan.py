"""What is to be done to a broker, as values."""

from dataclasses import dataclass
from typing import Literal

from topology.state import Subject

Action = Literal["create", "change", "remove"]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the broker."""

    action: Action
    subject: Subject


@dataclass(frozen=True, slots=True)
class Conflict:
    """What the tool cannot do, or will not do unasked. While there is one, nothing is applied."""

    kind: str
    name: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.problem}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in a safe order, conflicts, and the undeclared exchanges and queues, which are left alone."""

    steps: tuple[Step, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    undeclared: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Deletions:
    """What the user names to be deleted, if it is empty and either undeclared or in the way of what is declared."""

    queues: frozenset[str] = frozenset()
    exchanges: frozenset[str] = frozenset()
