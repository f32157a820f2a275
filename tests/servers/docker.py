"""Docker, by its command line: whether an engine is there, and containers that keep ports and data over restarts."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from tempfile import TemporaryDirectory

from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.guard import Guard

PULL_SECONDS = 300.0
START_SECONDS = 120.0


def answers() -> bool:
    """Whether a Docker engine on this machine answers."""
    host = os.environ.get("DOCKER_HOST", "unix://")
    if shutil.which("docker") is None or not host.startswith(("unix://", "npipe://")):
        return False
    try:
        return _call("info", seconds=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def pull(image: str) -> None:
    """Fetch an image unless it is here. Raises ServerUnavailable."""
    if _call("image", "inspect", image).returncode == 0:
        return
    print(f"pulling the image {image} …", flush=True)
    try:
        pulled = _call("pull", "--quiet", image, seconds=PULL_SECONDS)
    except subprocess.TimeoutExpired:
        raise ServerUnavailable(f"the image {image} could not be pulled in {PULL_SECONDS:.0f} s") from None
    if pulled.returncode:
        raise ServerUnavailable(f"the image {image} could not be pulled: {pulled.stderr.strip()}")


def _call(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    command = ["docker", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)


def _do(*arguments: str) -> str:
    ended = _call(*arguments)
    if ended.returncode:
        raise ServerFailed(f"`docker {' '.join(arguments)}` failed:\n{ended.stderr}")
    return ended.stdout.strip()


@dataclass(frozen=True, slots=True)
class Container:
    """A container with its ports published on 127.0.0.1."""

    name: str
    guard: Guard

    @classmethod
    def create(
        cls,
        image: str,
        guard: Guard,
        *,
        ports: Mapping[int, int],
        environment: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> "Container":
        """Make it, not yet started. `ports`: here -> inside; `files`: path inside -> text. Raises ServerUnavailable."""
        pull(image)
        published = [part for here, inside in ports.items() for part in ("-p", f"127.0.0.1:{here}:{inside}")]
        variables = [part for name, value in (environment or {}).items() for part in ("-e", f"{name}={value}")]
        container = cls(_do("create", *published, *variables, image, *arguments), guard)
        guard.watch_command(container._removal)
        for path, text in (files or {}).items():
            container._copy(path, text)
        return container

    @property
    def _removal(self) -> tuple[str, ...]:
        return ("docker", "rm", "--force", "--volumes", self.name)

    def _copy(self, path: str, text: str) -> None:
        # `docker cp` and not a mount: the engine may not see this machine's files.
        with TemporaryDirectory() as directory:
            source = os.path.join(directory, PurePosixPath(path).name)
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(source, 0o644)
            _do("cp", source, f"{self.name}:{path}")

    def start(self, ready: Callable[[], bool]) -> None:
        """Start it and wait until it is ready. Raises ServerFailed, with the end of its log."""
        _do("start", self.name)
        deadline = time.monotonic() + START_SECONDS
        while _do("inspect", "--format", "{{.State.Running}}", self.name) == "true":
            if ready():
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        raise ServerFailed(f"the container {self.name} did not become ready:\n{self._log_end()}")

    def succeeds(self, *command: str) -> bool:
        """Whether a command inside it ends well."""
        return _call("exec", self.name, *command).returncode == 0

    def _log_end(self) -> str:
        logs = _call("logs", "--tail", "40", self.name)
        return logs.stdout + logs.stderr

    def stop(self) -> None:
        """Stop it in good order; after 30 s it is killed."""
        _do("stop", "-t", "30", self.name)

    def kill(self) -> None:
        """SIGKILL."""
        _do("kill", self.name)

    def remove(self) -> None:
        """End it and remove it with its data. May be called twice."""
        subprocess.run(self._removal, check=False, capture_output=True)
        self.guard.forget_command(self._removal)
