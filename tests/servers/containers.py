"""RabbitMQ, PostgreSQL and Redis in containers, of the versions that docker-compose.yml runs."""

from tests.servers.address import local_postgres, local_rabbitmq, local_redis
from tests.servers.docker import Container
from tests.servers.errors import ServerFailed
from tests.servers.guard import Guard
from tests.servers.management import answers
from tests.servers.ports import free_ports, listens
from tests.servers.rabbitmq import PLUGINS, configuration
from tests.servers.redis import DURABLE
from tests.servers.server import PostgresServer, RabbitMQServer, RedisServer

RABBITMQ_IMAGE = "rabbitmq:4-management"
POSTGRES_IMAGE = "postgres:17"
REDIS_IMAGE = "redis:7"


class DockerRabbitMQ(RabbitMQServer):
    """A node in a container. It listens on the same ports inside, because stream clients follow advertised ports."""

    def __init__(self, guard: Guard) -> None:
        """Raises ServerUnavailable where the image cannot be had. Does not start it yet."""
        amqp, stream, management, prometheus = free_ports(4)
        self.address = local_rabbitmq(amqp, stream, management)
        self._ports = (amqp, stream)
        self._container = Container.create(
            RABBITMQ_IMAGE,
            guard,
            ports={port: port for port in (amqp, stream, management)},
            files={
                "/etc/rabbitmq/enabled_plugins": PLUGINS,
                "/etc/rabbitmq/conf.d/90-warren.conf": configuration("0.0.0.0", amqp, stream, management, prometheus),
            },
        )

    def start(self) -> None:
        self._container.start(self._ready)

    def _ready(self) -> bool:
        return all(listens(port) for port in self._ports) and answers(self.address)

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._container.kill()

    def control(self, *arguments: str) -> None:
        if not self._container.succeeds("rabbitmqctl", *arguments):
            raise ServerFailed(f"rabbitmqctl {' '.join(arguments)} failed in the container")

    def close(self) -> None:
        self._container.remove()


class DockerPostgres(PostgresServer):
    """A server in a container."""

    def __init__(self, guard: Guard) -> None:
        """Raises ServerUnavailable where the image cannot be had. Does not start it yet."""
        (port,) = free_ports(1)
        self.url = local_postgres(port)
        self._container = Container.create(
            POSTGRES_IMAGE,
            guard,
            ports={port: 5432},
            environment={"POSTGRES_USER": "warren", "POSTGRES_DB": "warren", "POSTGRES_HOST_AUTH_METHOD": "trust"},
            arguments=("-c", "max_connections=200"),
        )

    def start(self) -> None:
        self._container.start(self._ready)

    def _ready(self) -> bool:
        # Over TCP inside the container: while the image sets the database up, it listens on a socket file alone.
        return self._container.succeeds("pg_isready", "-h", "127.0.0.1", "-U", "warren")

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._container.kill()

    def close(self) -> None:
        self._container.remove()


class DockerRedis(RedisServer):
    """A server in a container."""

    def __init__(self, guard: Guard) -> None:
        """Raises ServerUnavailable where the image cannot be had. Does not start it yet."""
        (port,) = free_ports(1)
        self.url = local_redis(port)
        self._container = Container.create(REDIS_IMAGE, guard, ports={port: 6379}, arguments=("redis-server", *DURABLE))

    def start(self) -> None:
        self._container.start(self._ready)

    def _ready(self) -> bool:
        return self._container.succeeds("sh", "-c", "redis-cli ping | grep -q PONG")

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._container.kill()

    def close(self) -> None:
        self._container.remove()
