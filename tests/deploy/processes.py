"""Processes of the shop, as people start them."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

WARREN: Final = (sys.executable, "-m", "warren")
STARTED: Final = 150.0
"""Seconds until a process serves, at the most: all of them start at once."""


@dataclass
class Running:
    """A process of the shop, and the file that it writes its log to."""

    process: "subprocess.Popen[bytes]"
    told: Path

    def log(self) -> str:
        return self.told.read_text()

    def kill(self) -> None:
        """Without a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def address(self) -> str:
        """Where it serves, once it does."""
        deadline = time.monotonic() + STARTED
        while time.monotonic() < deadline:
            for line in self.log().splitlines():
                if line.startswith("serving "):
                    return line.removeprefix("serving ").strip()
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError(self.log())


@contextmanager
def running(*command: str, env: dict[str, str]) -> Iterator[Running]:
    """A process of the shop; unless it is killed, it has to end cleanly on SIGTERM."""
    with NamedTemporaryFile() as told:
        process = subprocess.Popen([*WARREN, *command], env=env, stderr=told)
        running = Running(process, Path(told.name))
        try:
            yield running
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            code = process.wait(timeout=60)
            assert code in {0, -signal.SIGKILL}, running.log()
            assert "Traceback" not in running.log(), running.log()
