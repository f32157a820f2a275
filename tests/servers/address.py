"""Where servers listen: values, and their names in the environment."""

from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

BROKER = "WARREN_TEST_BROKER"
STREAM = "WARREN_TEST_STREAM"
MANAGEMENT = "WARREN_TEST_MANAGEMENT"
POSTGRES = "WARREN_TEST_POSTGRES"
DEBIAN = "WARREN_TEST_DEBIAN"
"""A Debian release whose RabbitMQ is to be used."""
REDIS = "WARREN_TEST_REDIS"
MONGODB = "WARREN_TEST_MONGODB"


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """One virtual host of a RabbitMQ server. The management URL has no virtual host in it: see `vhost`."""

    amqp: str
    stream: str
    management: str

    @property
    def vhost(self) -> str:
        """The name of the virtual host, `/` by default."""
        return unquote(urlsplit(self.amqp).path[1:]) or "/"

    @property
    def user(self) -> str:
        return unquote(urlsplit(self.amqp).username or "guest")

    def at(self, vhost: str) -> "RabbitMQ":
        """The same server, at another virtual host."""
        path = "/" + quote(vhost, safe="")
        return replace(self, amqp=_with_path(self.amqp, path), stream=_with_path(self.stream, path))

    def variables(self) -> dict[str, str]:
        """The environment variables that say where this is."""
        return {BROKER: self.amqp, STREAM: self.stream, MANAGEMENT: self.management}


def _with_path(url: str, path: str) -> str:
    return urlsplit(url)._replace(path=path).geturl()


def local_rabbitmq(amqp: int, stream: int, management: int) -> RabbitMQ:
    """The default virtual host of a server on this machine, by its ports."""
    login = "guest:guest@127.0.0.1"
    return RabbitMQ(f"amqp://{login}:{amqp}/", f"rabbitmq-stream://{login}:{stream}/", f"http://{login}:{management}")


def local_postgres(port: int) -> str:
    """The URL of the database `warren` of a server on this machine."""
    return f"postgresql://warren@127.0.0.1:{port}/warren"


def local_redis(port: int) -> str:
    """The URL of a server on this machine."""
    return f"redis://127.0.0.1:{port}/0"
