"""A whole shop on RabbitMQ and PostgreSQL, run by the commands that people use."""

import re
import subprocess
from base64 import b64encode
from collections import Counter
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

import httpx

from tests.replay.command import WARREN, Command, neutral
from tests.replay.course import Strike
from tests.servers.guard import Guard
from tests.servers.server import PostgresServer, RabbitMQServer, Server

SERVICES: Final = ("orders", "inventory", "payments", "analytics", "notifications")
LEASE: Final = 3
"""Seconds until a killed worker's partitions are free."""
_SAMPLE: Final = re.compile(r'^warren_agent_(\w+)_total\{.*service="(\w+)".*\} (\S+)$', re.MULTILINE)

Counts = Counter[tuple[str, str]]
"""(service, what) -> how often: `handled`, `repeats`, `takeovers` and the other counters of the metrics."""


class Shop:
    """Servers with topology and tables, and a worker for each service. Leaving the context kills the workers."""

    def __init__(
        self, guard: Guard, rabbitmq: RabbitMQServer, postgres: PostgresServer, *, workers: bool = True
    ) -> None:
        """Without `workers` the replay runs the agents itself."""
        self._guard = guard
        self._rabbitmq = rabbitmq
        self._postgres = postgres
        self._services = SERVICES if workers else ()
        self._workers: dict[str, Command] = {}
        self._counts: Counts = Counter()
        self._commands = ExitStack()
        self._environment = {
            "WARREN_BROKER": rabbitmq.address.amqp,
            "WARREN_STREAM": rabbitmq.address.stream,
            "WARREN_MANAGEMENT": rabbitmq.address.management,
            "WARREN_STORE": postgres.url,
            "WARREN_LEASE": str(LEASE),
            "WARREN_PATIENCE": "86400",
            "WARREN_SEAL_KEYS": b64encode(bytes(range(32))).decode(),
            "WARREN_DATA": self._commands.enter_context(TemporaryDirectory()),
        }

    def __enter__(self) -> Self:
        self._run("topology", "apply")
        self._run("stores", "apply")
        for service in self._services:
            self._start(service)
        for worker in self._workers.values():
            worker.serves(within=60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commands.close()

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*WARREN, *arguments],
            env={**neutral(), **self._environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"warren {' '.join(arguments)}:\n{done.stdout}{done.stderr}"

    def _start(self, service: str) -> None:
        self._workers[service] = self._command("worker", service, "--http", "0")

    def _command(self, *arguments: str) -> Command:
        return self._commands.enter_context(Command(self._guard, arguments, self._environment))

    @property
    def pids(self) -> dict[str, int]:
        """Of the workers, by service."""
        return {service: worker.pid for service, worker in self._workers.items()}

    def replay(self, orders: int, *, rate: int | None = None) -> Command:
        """Start a replay, of so many orders a second at the most."""
        options = [] if not self._services else ["--no-agents"]
        options += [] if rate is None else ["--rate", str(rate)]
        return self._command("replay", "completejourney", "--json", "--orders", str(orders), *options)

    # --- strikes ---

    def kills_of_workers(self) -> list[Strike]:
        """SIGKILL for each worker in turn; it is started again at once."""
        return [Strike(f"SIGKILL {service}", partial(self._revive, service)) for service in self._services]

    def _revive(self, service: str) -> None:
        self._counts.update(self._counted(service))
        self._workers.pop(service).kill()
        self._start(service)
        self._workers[service].serves(within=60)

    def kills_of_servers(self) -> list[Strike]:
        """SIGKILL for RabbitMQ, then PostgreSQL."""
        return [
            Strike("SIGKILL RabbitMQ", partial(_revive, self._rabbitmq)),
            Strike("SIGKILL PostgreSQL", partial(_revive, self._postgres)),
        ]

    def restarts_of_servers(self) -> list[Strike]:
        """A restart in good order of RabbitMQ, then PostgreSQL."""
        return [
            Strike("restart RabbitMQ", self._rabbitmq.restart),
            Strike("restart PostgreSQL", self._postgres.restart),
        ]

    # --- counts ---

    def counted(self) -> Counts:
        """Over all workers; of those that were killed, as far as they had come just before."""
        total = Counter(self._counts)
        for service in self._workers:
            total.update(self._counted(service))
        return total

    def _counted(self, service: str) -> Counts:
        address = self._workers[service].serves(within=60)
        text = httpx.get(f"{address}/metrics", timeout=30, trust_env=False).raise_for_status().text
        return Counter({(owner, what): int(float(count)) for what, owner, count in _SAMPLE.findall(text)})


def _revive(server: Server) -> None:
    server.kill()
    server.start()
