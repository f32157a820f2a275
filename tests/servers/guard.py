"""Clears up after a test run that ended without doing so itself, be it by SIGKILL.

`Guard` starts this file as a process of its own, which holds the other end of a pipe. The pipe closes when the run
ends, however it ends. What is still registered then is stopped and removed.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

GRACE = 5.0
"""Seconds between a server's own stop signal and SIGKILL."""


class Guard:
    """A process that outlives us, to stop and remove what we leave behind."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def watch_process(self, pid: int, stop: signal.Signals) -> None:
        """Signal this process group."""
        self._tell("add", ["process", pid, int(stop)])

    def forget_process(self, pid: int, stop: signal.Signals) -> None:
        self._tell("forget", ["process", pid, int(stop)])

    def watch_directory(self, directory: Path) -> None:
        """Remove this directory."""
        self._tell("add", ["directory", str(directory)])

    def forget_directory(self, directory: Path) -> None:
        self._tell("forget", ["directory", str(directory)])

    def watch_command(self, command: Sequence[str]) -> None:
        """Run this command."""
        self._tell("add", ["command", *command])

    def forget_command(self, command: Sequence[str]) -> None:
        self._tell("forget", ["command", *command])

    def _tell(self, verb: str, entry: list[str | int]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([verb, entry]) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Clear up now. Returns when that is done."""
        self._process.communicate()


def keep_watch(lines: Iterable[str]) -> None:
    """Read entries until the other end closes, then clear up what was not taken back."""
    entries: list[list[str | int]] = []
    births: dict[int, str] = {}
    for line in lines:
        verb, entry = json.loads(line)
        if verb == "add":
            entries.append(entry)
            if entry[0] == "process":
                births[entry[1]] = _birth(entry[1])
        elif entry in entries:
            entries.remove(entry)
    _clear_up(entries, births)


def _clear_up(entries: list[list[str | int]], births: dict[int, str]) -> None:
    groups = {int(entry[1]): int(entry[2]) for entry in entries if entry[0] == "process"}
    _stop({group: stop for group, stop in groups.items() if _birth(group) in {"", births[group]}})
    for kind, *rest in entries:
        if kind == "command":
            subprocess.run([str(part) for part in rest], check=False, capture_output=True)
        elif kind == "directory":
            shutil.rmtree(str(rest[0]), ignore_errors=True)


def _birth(pid: int) -> str:
    """When a process started; "" where there is none, or no way to tell.

    Systems give the numbers of processes that have ended to new ones, within minutes on a busy machine: what bears a
    number that was registered may be somebody else's. The number of a group whose leader has ended is not given away.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]


def _stop(groups: dict[int, int]) -> None:
    deadline = time.monotonic() + GRACE
    left = {group for group, stop in groups.items() if _signal(group, stop)}
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if _signal(group, 0)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    keep_watch(sys.stdin)
