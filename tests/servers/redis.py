"""Redis from the machine's own packages."""

import os
import shutil
import signal
import socket
from pathlib import Path

from tests.servers.account import account, private_directory, remove_directory
from tests.servers.address import local_redis
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.ports import free_ports
from tests.servers.process import Process
from tests.servers.server import RedisServer

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
"""As docker-compose.yml runs it: every change goes to the append-only file, which is synced each second."""


def find_redis() -> Path:
    """The server's program on this machine. Raises ServerUnavailable."""
    found = shutil.which("redis-server")
    if found is None:
        raise ServerUnavailable("Redis is not installed")
    return Path(found)


class NativeRedis(RedisServer):
    """A server of its own, on a port of its own on 127.0.0.1 and nowhere else."""

    def __init__(self, guard: Guard) -> None:
        """Raises ServerUnavailable where Redis is not installed. Does not start it yet."""
        program = find_redis()
        self._guard = guard
        owner = account("redis")
        self._directory = private_directory("redis", owner)
        guard.watch_directory(self._directory)
        (self._port,) = free_ports(1)
        self.url = local_redis(self._port)
        command = [str(program), "--bind", "127.0.0.1", "--port", str(self._port), "--dir", ".", *DURABLE]
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8"}
        self._server = Process(command, environment, self._directory, owner, signal.SIGTERM, guard)

    def start(self) -> None:
        self._server.start(self._ready)

    def _ready(self) -> bool:
        # It listens while it still reads its file, and answers PING with an error then.
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def close(self) -> None:
        self.kill()
        remove_directory(self._directory)
        self._guard.forget_directory(self._directory)
