"""The servers of one test run: where they come from, and that they end with it."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from types import TracebackType
from typing import Self, TypeVar

from tests.servers import debian, docker
from tests.servers.address import BROKER, DEBIAN, MANAGEMENT, POSTGRES, REDIS, STREAM, RabbitMQ
from tests.servers.containers import (
    POSTGRES_IMAGE,
    RABBITMQ_IMAGE,
    REDIS_IMAGE,
    DockerPostgres,
    DockerRabbitMQ,
    DockerRedis,
)
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.postgres import NativePostgres, find_postgres
from tests.servers.rabbitmq import NativeRabbitMQ, find_rabbitmq
from tests.servers.redis import NativeRedis, find_redis
from tests.servers.roots import Root
from tests.servers.server import PostgresServer, RabbitMQServer, RedisServer, Server

AnyServer = TypeVar("AnyServer", bound=Server)

_HOW = "run `python -m tests.servers install`, start Docker, or set {}"


class Supply:
    """Servers from the environment's addresses, else from Docker, else from the machine's packages.

    RabbitMQ is that of another Debian release where WARREN_TEST_DEBIAN names one (`trixie`, `sid`).

    Shared servers start when they are first asked for. All that was started ends when the supply is closed, or when
    this process ends in any other way.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._stack = ExitStack()

    @cached_property
    def rabbitmq(self) -> RabbitMQ:
        """The shared RabbitMQ. Raises ServerUnavailable, ServerFailed."""
        given = [self._environment.get(name) for name in (BROKER, STREAM, MANAGEMENT)]
        if not any(given):
            return self.own_rabbitmq().address
        broker, stream, management = given
        if not (broker and stream and management):
            raise ServerUnavailable(f"set {BROKER}, {STREAM} and {MANAGEMENT} together, or none of them")
        return RabbitMQ(broker, stream, management.rstrip("/"))

    @cached_property
    def postgres(self) -> str:
        """The URL of the shared PostgreSQL. Raises ServerUnavailable, ServerFailed."""
        return self._environment.get(POSTGRES) or self.own_postgres().url

    @cached_property
    def redis(self) -> str:
        """The URL of the shared Redis. Raises ServerUnavailable, ServerFailed."""
        return self._environment.get(REDIS) or self.own_redis().url

    def own_rabbitmq(self) -> RabbitMQServer:
        """A new RabbitMQ, started, for the caller alone. Raises ServerUnavailable, ServerFailed."""
        if suite := self._environment.get(DEBIAN):
            return self._started((partial(NativeRabbitMQ, installation=Root(suite)),), BROKER)
        return self._started((DockerRabbitMQ, NativeRabbitMQ), BROKER)

    def own_postgres(self) -> PostgresServer:
        """A new PostgreSQL, started, for the caller alone. Raises ServerUnavailable, ServerFailed."""
        return self._started((DockerPostgres, NativePostgres), POSTGRES)

    def own_redis(self) -> RedisServer:
        """A new Redis, started, for the caller alone. Raises ServerUnavailable, ServerFailed."""
        return self._started((DockerRedis, NativeRedis), REDIS)

    def variables(self) -> dict[str, str]:
        """The environment variables that tell another process where the shared servers are; starts them."""
        return {**self.rabbitmq.variables(), POSTGRES: self.postgres, REDIS: self.redis}

    def _started(self, kinds: Sequence[Callable[[Guard], AnyServer]], variable: str) -> AnyServer:
        problems = []
        for kind in kinds if self._docker else kinds[-1:]:
            try:
                server = kind(self._guard)
            except ServerUnavailable as problem:
                problems.append(str(problem))
                continue
            self._stack.callback(server.close)
            server.start()
            return server
        raise ServerUnavailable(f"{'; '.join(problems)}: {_HOW.format(variable)}")

    @cached_property
    def _docker(self) -> bool:
        return docker.answers()

    @cached_property
    def _guard(self) -> Guard:
        guard = Guard()
        self._stack.callback(guard.close)
        return guard

    def install(self) -> None:
        """Install what `rabbitmq`, `postgres` and `redis` need and lack. Raises ServerUnavailable."""
        wanted = self._wanted()
        if wanted and self._docker and _pulled(wanted):
            return
        missing = [package for package, (_, find) in wanted.items() if not _finds(find)]
        if missing:
            debian.install(missing)
        for _, find in wanted.values():
            find()

    def _wanted(self) -> dict[str, tuple[str, Callable[[], object]]]:
        wanted: dict[str, tuple[str, Callable[[], object]]] = {}
        if not self._environment.get(BROKER):
            wanted["rabbitmq-server"] = (RABBITMQ_IMAGE, find_rabbitmq)
        if not self._environment.get(POSTGRES):
            wanted["postgresql"] = (POSTGRES_IMAGE, find_postgres)
        if not self._environment.get(REDIS):
            wanted["redis-server"] = (REDIS_IMAGE, find_redis)
        return wanted

    def close(self) -> None:
        """End all that was started, and remove its data."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _finds(find: Callable[[], object]) -> bool:
    try:
        find()
    except ServerUnavailable:
        return False
    return True


def _pulled(wanted: Mapping[str, tuple[str, object]]) -> bool:
    try:
        for image, _ in wanted.values():
            docker.pull(image)
    except ServerUnavailable as problem:
        print(f"{problem}; falling back to this machine's packages", flush=True)
        return False
    return True
