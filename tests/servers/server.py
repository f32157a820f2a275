"""What every server of the harness can do."""

from abc import ABC, abstractmethod

from tests.servers.address import RabbitMQ


class Server(ABC):
    """A server that belongs to us alone. It keeps its ports and data until it is closed.

    The calls wait until they are done, several seconds for RabbitMQ; async tests put them in a thread
    (`await asyncio.to_thread(server.restart)`). They raise ServerFailed, with the end of the server's log.
    """

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it takes connections."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it in good order."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once (SIGKILL)."""

    @abstractmethod
    def close(self) -> None:
        """End it and remove its data. May be called twice."""

    def restart(self) -> None:
        """Stop it in good order and start it again."""
        self.stop()
        self.start()


class RabbitMQServer(Server):
    """A RabbitMQ node with the plug-ins for streams, management and Prometheus."""

    address: RabbitMQ

    @abstractmethod
    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` with these arguments on the node. Raises ServerFailed."""


class PostgresServer(Server):
    """A PostgreSQL server with an empty database `warren`, durable as in production (fsync on)."""

    url: str


class RedisServer(Server):
    """A Redis server that writes every change to its append-only file, as in production."""

    url: str
