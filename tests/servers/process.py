"""A server's process: started as its user, watched while it starts, stopped for certain."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.account import Account
from tests.servers.errors import ServerFailed
from tests.servers.guard import Guard

START_SECONDS = 120.0
STOP_SECONDS = 30.0
_LOG_LINES = 40


@dataclass
class Process:
    """One server process, leader of a session of its own. `stop_signal` asks it to end in good order."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    account: Account
    stop_signal: signal.Signals
    guard: Guard
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """What the process wrote."""
        return self.directory / f"{Path(self.command[0]).name}.out"

    def start(self, ready: Callable[[], bool]) -> None:
        """Start it and wait until it is ready. Raises ServerFailed, with the end of its log."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=[] if os.geteuid() == 0 else None,
                start_new_session=True,
            )
        self.guard.watch_process(self._child.pid, self.stop_signal)
        self._wait_until(ready)

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._child is not None and self._child.poll() is None:
            if ready():
                return
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.command[0]} was not ready in {START_SECONDS:.0f} s:\n{self._log_end()}")
            time.sleep(0.05)
        raise ServerFailed(f"{self.command[0]} ended while it started:\n{self._log_end()}")

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def stop(self) -> None:
        """Ask it to end and wait; after 30 s it is killed. Does nothing when it does not run."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """SIGKILL, as if the machine had lost power. Does nothing when it does not run."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._child is None:
            return
        children = _children(self._child.pid) if number == signal.SIGKILL else []
        _signal_group(self._child.pid, number)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(self._child.pid, signal.SIGKILL)
            self._child.wait()
        for child in children:
            _kill_process(child)
        self.guard.forget_process(self._child.pid, self.stop_signal)
        self._child = None


def _children(pid: int) -> list[int]:
    # The back ends of PostgreSQL lead sessions of their own, so a signal to the group does not reach them.
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listing.read_text().split()] if listing.exists() else []


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _kill_process(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
