"""What the address of a broker says about the tool's way to it."""

from urllib.parse import unquote, urlsplit

from topology.errors import TopologyError


def vhost_of(broker: str) -> str:
    """The virtual host of an address such as `amqp://user:password@host:5672/vhost`; `/` where it names none."""
    return unquote(urlsplit(broker).path.removeprefix("/")) or "/"


def management_of(broker: str) -> str:
    """Where the management API of a broker listens by default, with the user and password of its AMQP address.

    Raises TopologyError where the address is not one of AMQP.
    """
    parts = urlsplit(broker)
    if parts.scheme not in ("amqp", "amqps"):
        raise TopologyError("the broker's address must look like amqp://user:password@host:5672/vhost")
    user, _, host = parts.netloc.rpartition("@")
    host = host.rpartition(":")[0] if parts.port else host
    scheme, port = ("https", 15671) if parts.scheme == "amqps" else ("http", 15672)
    return f"{scheme}://{user or 'guest:guest'}@{host or 'localhost'}:{port}"
