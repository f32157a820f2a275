"""PostgreSQL from the machine's own packages."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.servers.account import account, private_directory, remove_directory
from tests.servers.address import local_postgres
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.ports import free_ports
from tests.servers.process import Process
from tests.servers.server import PostgresServer

_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}


def find_postgres() -> Path:
    """The directory with the newest PostgreSQL's programs on this machine. Raises ServerUnavailable."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        raise ServerUnavailable("PostgreSQL is not installed")
    return Path(found).resolve().parent


class NativePostgres(PostgresServer):
    """A cluster of its own, on a port of its own on 127.0.0.1 and nowhere else."""

    def __init__(self, guard: Guard) -> None:
        """Raises ServerUnavailable where PostgreSQL is not installed. Makes the cluster, does not start it yet."""
        self._programs = find_postgres()
        self._guard = guard
        self._owner = account("postgres")
        self._directory = private_directory("postgres", self._owner)
        guard.watch_directory(self._directory)
        (self._port,) = free_ports(1)
        self.url = local_postgres(self._port)
        self._make()
        self._server = self._process()
        self._has_database = False

    def _make(self) -> None:
        """The cluster, in `data`."""
        self._run("initdb", "-D", "data", "-U", "warren", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")

    def directory(self, name: str) -> Path:
        """A new directory that the server may write to."""
        made = self._directory / name
        made.mkdir(mode=0o700)
        self._owner.own(made)
        return made

    def _process(self) -> Process:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", "data", *options]
        return Process(command, _ENVIRONMENT, self._directory, self._owner, signal.SIGINT, self._guard)

    def _run(self, program: str, *arguments: str) -> None:
        ended = self._call(program, *arguments)
        if ended.returncode:
            raise ServerFailed(f"{program} failed:\n{ended.stderr}")

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._programs / program), *arguments],
            env=_ENVIRONMENT,
            cwd=self._directory,
            check=False,
            capture_output=True,
            text=True,
            user=self._owner.uid,
            group=self._owner.gid,
            extra_groups=[] if os.geteuid() == 0 else None,
        )

    def start(self) -> None:
        self._server.start(self._ready)
        if not self._has_database:
            self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "warren", "warren")
            self._has_database = True

    def _ready(self) -> bool:
        return self._call("pg_isready", "-h", "127.0.0.1", "-p", str(self._port)).returncode == 0

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def close(self) -> None:
        # Not SIGKILL: a killed server leaves its shared memory behind.
        self.stop()
        remove_directory(self._directory)
        self._guard.forget_directory(self._directory)


class Standby(NativePostgres):
    """A copy of a running server that follows it, until it is promoted. It takes readers from the beginning."""

    def __init__(self, guard: Guard, primary: NativePostgres) -> None:
        self._primary = primary
        super().__init__(guard)
        self._has_database = True

    def _make(self) -> None:
        self._run("pg_basebackup", "-D", "data", "-R", "-d", self._primary.url, "--checkpoint=fast", "--no-sync")

    def promote(self) -> None:
        """From here on it takes writers."""
        self._run("pg_ctl", "promote", "-w", "-D", "data")
