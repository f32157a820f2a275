"""What is wrong in a topology file, and where it stands."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file: line and column count from 1, `path` names the keys that lead there."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """An error makes the topology unusable; a warning is most likely a mistake."""

    place: Place
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        path = f"{self.place.path}: " if self.place.path else ""
        return f"{self.place}: {self.severity}: {path}{self.message}"
