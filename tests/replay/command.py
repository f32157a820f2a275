"""`warren …` as people run it: a process of its own, which tests read, signal and kill."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.servers.guard import Guard

WARREN: Final = (str(Path(sys.executable).with_name("warren")),)
_PROGRESS: Final = re.compile(r"^([\d,]+) of [\d,]+ orders")
_SERVING: Final = re.compile(r"(?:^serving |: )(http://\S+)$")


class Command:
    """A running command, leader of a session of its own. Leaving the context kills what still runs."""

    def __init__(
        self, guard: Guard, arguments: Sequence[str], environment: Mapping[str, str], *, program: Sequence[str] = WARREN
    ) -> None:
        """`environment` is added to this process's, less what that says to Warren."""
        self._guard = guard
        self.arguments = (*program, *arguments)
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            self.arguments,
            env={**neutral(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        guard.watch_process(self._process.pid, signal.SIGKILL)
        self._told = threading.Condition()
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._readers = [self._reader("stdout"), self._reader("stderr")]

    def _reader(self, name: str) -> threading.Thread:
        reader = threading.Thread(target=self._read, args=(name,), daemon=True)
        reader.start()
        return reader

    def _read(self, name: str) -> None:
        with getattr(self._process, name) as stream:
            for line in stream:
                with self._told:
                    self._lines[name].append(line.rstrip("\n"))
                    self._told.notify_all()
        with self._told:
            self._told.notify_all()

    @property
    def output(self) -> str:
        """What it has written to stdout so far."""
        return "\n".join(self._lines["stdout"])

    @property
    def errors(self) -> str:
        """What it has written to stderr so far."""
        return "\n".join(self._lines["stderr"])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def progress(self) -> int:
        """How many orders it has last said to be finished."""
        found = [_PROGRESS.match(line) for line in self._lines["stderr"]]
        counts = [int(match[1].replace(",", "")) for match in found if match]
        return counts[-1] if counts else 0

    def begins(self, *, within: float) -> None:
        """Wait until it sends orders: their goods are there. Fails after `within` seconds, or when it ends before."""
        self._await(lambda: _says_progress(self._lines["stderr"]) or self._process.poll() is not None, within, "orders")
        assert _says_progress(self._lines["stderr"]), self.report("it ended before its first order")

    def reaches(self, orders: int, *, within: float) -> None:
        """Wait until it says that so many orders are finished. Fails after `within` seconds, or when it ends before."""
        self._await(lambda: self.progress >= orders or self._process.poll() is not None, within, f"{orders} orders")
        assert self.progress >= orders, self.report(f"it ended before {orders} orders were finished")

    def serves(self, *, within: float) -> str:
        """Wait until it serves; its address. Fails after `within` seconds, or when it ends."""
        self._await(lambda: bool(self._address()) or self._process.poll() is not None, within, "an address")
        address = self._address()
        assert address, self.report("it ended")
        return address

    def _address(self) -> str:
        lines = [*self._lines["stdout"], *self._lines["stderr"]]
        return next((match[1] for line in lines if (match := _SERVING.search(line))), "")

    def ends(self, *, within: float) -> int:
        """Wait for its end; its exit status. Fails after `within` seconds."""
        try:
            status = self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.report(f"it still runs after {within} s")) from None
        for reader in self._readers:
            reader.join(within)
        self._guard.forget_process(self._process.pid, signal.SIGKILL)
        return status

    def comes_to_an_end(self, *, within: float) -> int:
        """As `ends`, but it may take so long from one progress to the next."""
        while self._process.poll() is None:
            self._progresses(beyond=self.progress, within=within)
        return self.ends(within=within)

    def _progresses(self, *, beyond: int, within: float) -> None:
        self._await(lambda: self.progress > beyond or self._process.poll() is not None, within, f"more than {beyond}")

    def _await(self, condition: Callable[[], bool], within: float, what: str) -> None:
        with self._told:
            deadline = time.monotonic() + within
            while not condition():
                # A process that ends with its output still open elsewhere tells nothing: so look now and then.
                self._told.wait(min(1.0, within))
                assert time.monotonic() < deadline, self.report(f"no sign of {what} within {within} s")

    def signal(self, number: signal.Signals) -> None:
        """To the whole group, as a terminal's Ctrl-C goes."""
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. It must still run: else there was nothing to kill."""
        assert self._process.poll() is None, self.report("it had ended before it was killed")
        self.signal(signal.SIGKILL)
        assert self.ends(within=60) == -signal.SIGKILL

    def report(self, problem: str) -> str:
        """What went wrong, with the end of what it wrote."""
        status = self._process.poll()
        return f"{' '.join(self.arguments)}: {problem} (status {status})\n{self.output[-2000:]}\n{self.errors[-4000:]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()
        else:
            self.ends(within=10)


def _says_progress(lines: Sequence[str]) -> bool:
    return any(_PROGRESS.match(line) for line in lines)


def neutral() -> dict[str, str]:
    """This process's environment, less what it says to Warren, and without measuring coverage, which takes twice the
    time and is lost at SIGKILL."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("WARREN_", "COVERAGE_"))}
