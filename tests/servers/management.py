"""What the harness asks of RabbitMQ's management API."""

from urllib.parse import quote, urlsplit

import httpx

from tests.servers.address import RabbitMQ


def _client(server: RabbitMQ) -> httpx.Client:
    url = urlsplit(server.management)
    base = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    return httpx.Client(
        base_url=base, auth=(url.username or "guest", url.password or "guest"), timeout=30, trust_env=False
    )


def answers(server: RabbitMQ) -> bool:
    """Whether the API is up and lets us in."""
    try:
        with _client(server) as client:
            return client.get("/api/overview").is_success
    except httpx.TransportError:
        return False


def version(server: RabbitMQ) -> str:
    """Of RabbitMQ."""
    with _client(server) as client:
        return str(client.get("/api/overview").raise_for_status().json()["rabbitmq_version"])


def create_vhost(server: RabbitMQ) -> None:
    """Make the virtual host of this address, open to its user."""
    path = quote(server.vhost, safe="")
    with _client(server) as client:
        client.put(f"/api/vhosts/{path}", json={}).raise_for_status()
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        client.put(f"/api/permissions/{path}/{server.user}", json=everything).raise_for_status()


def delete_vhost(server: RabbitMQ) -> None:
    """Remove the virtual host of this address, with all that is in it."""
    with _client(server) as client:
        client.delete(f"/api/vhosts/{quote(server.vhost, safe='')}").raise_for_status()
