"""Where a RabbitMQ server listens, as the settings say it."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from streams.errors import BrokerError

_STREAM_PORT, _STREAM_TLS_PORT = 5552, 5551
_TLS = ("amqps", "rabbitmq-stream+tls")


@dataclass(frozen=True, slots=True)
class Address:
    """One of a server's listeners, with the user and the virtual host."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    context: ssl.SSLContext | None = field(repr=False)

    def __str__(self) -> str:
        return f"RabbitMQ at {self.host}:{self.port}"


def stream_address(url: str, context: ssl.SSLContext | None) -> Address:
    """The address in `rabbitmq-stream://user:password@host:port/vhost` (or `rabbitmq-stream+tls://…`)."""
    return _address(url, ("rabbitmq-stream", "rabbitmq-stream+tls"), (_STREAM_PORT, _STREAM_TLS_PORT), context)


def amqp_address(url: str, context: ssl.SSLContext | None) -> Address:
    """The address in `amqp://user:password@host:port/vhost` (or `amqps://…`)."""
    return _address(url, ("amqp", "amqps"), (5672, 5671), context)


def _address(url: str, schemes: tuple[str, str], ports: tuple[int, int], context: ssl.SSLContext | None) -> Address:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise BrokerError(
            f"a URL begins with {parts.scheme}://, it should be {schemes[0]}://user:password@host:port/vhost"
        )
    safe = parts.scheme == schemes[1]
    return Address(
        host=parts.hostname,
        port=parts.port or ports[safe],
        user=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        vhost=unquote(parts.path[1:]) or "/",
        context=(context or ssl.create_default_context()) if safe else None,
    )


def visible(url: str) -> str:
    """A URL without its user and password, to be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
