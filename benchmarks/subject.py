"""What every subject offers."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from benchmarks.load import Load
from benchmarks.scene import Scene


class Subject(Protocol):
    """One system under one load. Runs once, in a process of its own."""

    async def prepare(self) -> None:
        """Connect and declare, before the clock starts."""

    async def run(self, count: int) -> float:
        """Handle the first `count` events; the seconds from beginning to read until everything was settled."""

    async def check(self, count: int) -> None:
        """Raises WrongResult where what came of it is not exactly what the events make."""

    async def close(self) -> None:
        """Disconnect."""


@runtime_checkable
class Server(Protocol):
    """A subject whose clients are in another process."""

    @property
    def load(self) -> Load:
        """What they found, after the run."""


Make = Callable[[Scene], Subject]
