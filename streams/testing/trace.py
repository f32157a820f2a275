"""The trace of a simulation: what happened, in order; the same for the same seed, whatever the machine."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import NoReturn

import structlog
from structlog.typing import EventDict, WrappedLogger


class Trace:
    """Lines of (virtual seconds, who, what)."""

    def __init__(self) -> None:
        self._lines: list[tuple[float, str, tuple[object, ...]]] = []

    def __len__(self) -> int:
        return len(self._lines)

    def note(self, who: str, *what: object) -> None:
        """Add a line. What is given must not change afterwards."""
        self._lines.append((asyncio.get_running_loop().time(), who, what))

    def lines(self) -> Iterator[str]:
        """The trace as text."""
        for time, who, what in self._lines:
            yield f"{time:10.4f}  {who:10}  {' '.join(map(str, what))}"

    def digest(self) -> str:
        """16 hexadecimal digits that two runs share only if they did the same."""
        return sha256("\n".join(self.lines()).encode()).hexdigest()[:16]

    @contextmanager
    def takes_logs(self) -> Iterator[None]:
        """Within this context, what the engine logs (structlog) stands in the trace and nowhere else."""

        def take(logger: WrappedLogger, method: str, event: EventDict) -> NoReturn:
            details = [f"{name}={value}" for name, value in event.items() if name not in {"event", "exc_info"}]
            if event.get("exc_info"):
                details.append(repr(sys.exc_info()[1]))
            self.note("log", event["event"], *details)
            raise structlog.DropEvent

        before = structlog.get_config()
        structlog.configure(processors=[take], cache_logger_on_first_use=False)
        try:
            yield
        finally:
            structlog.configure(**before)
