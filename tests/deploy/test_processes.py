"""The processes of docker-compose.yml, run without it: one for each service, each as its own user of RabbitMQ."""

import asyncio
import os
import subprocess
from base64 import b64encode
from contextlib import ExitStack

import httpx
import pytest

from agents.registry import AGENTS
from tests.deploy.buying import eventually, offered, place, settled
from tests.deploy.processes import WARREN, running
from tests.servers.server import PostgresServer, RabbitMQServer
from tests.staff import make_admin, staff

SERVICES = tuple(AGENTS)


def environment(rabbitmq: RabbitMQServer, postgres: PostgresServer, user: str | None = None) -> dict[str, str]:
    """What compose sets for a service; None: for the administrator's jobs."""
    address = rabbitmq.address

    def of(url: str) -> str:
        scheme, _, rest = url.partition("://")
        return url if user is None else f"{scheme}://{user}:secret-{user}@{rest.partition('@')[2]}"

    passwords = {f"WARREN_PASSWORD_{name.upper()}": f"secret-{name}" for name in SERVICES}
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WARREN_", "COVERAGE_"))}
    return {
        **own,
        **(passwords if user is None else {}),
        "WARREN_BROKER": of(address.amqp),
        "WARREN_STREAM": of(address.stream),
        "WARREN_MANAGEMENT": address.management,
        "WARREN_STORE": postgres.url,
        "WARREN_LOG_FORMAT": "json",
        "WARREN_RATE_LIMIT": "0",
        "WARREN_SEAL_KEYS": b64encode(bytes(range(32))).decode(),
    }


@pytest.mark.timeout(400)
def test_each_service_does_its_part_with_its_own_rights(
    own_rabbitmq: RabbitMQServer, own_postgres: PostgresServer
) -> None:
    admin = environment(own_rabbitmq, own_postgres)
    subprocess.run([*WARREN, "topology", "apply", "--users"], env=admin, check=True, capture_output=True)
    subprocess.run([*WARREN, "stores", "apply"], env=admin, check=True, capture_output=True)
    again = subprocess.run([*WARREN, "stores", "plan"], env=admin, check=True, capture_output=True, text=True)
    assert again.stdout == "nothing to do: the tables are there\n"
    make_admin(admin)
    with ExitStack() as stack:
        for service in set(AGENTS) - {"gateway"}:
            env = environment(own_rabbitmq, own_postgres, service)
            stack.enter_context(running("worker", service, "--http", "0", env=env))
        env = environment(own_rabbitmq, own_postgres, "gateway")
        edge = stack.enter_context(running("api", "--port", "0", env=env))
        asyncio.run(buy(edge.address()))


async def buy(url: str) -> None:
    """An order that can be paid, one that cannot; their mails and their revenue."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        client.headers.update(await staff(client))
        user = str((await client.get("/api/users/me")).json()["id"])
        product = await offered(client)
        paid = await place(client, user, product, "tok_ok")
        failed = await place(client, user, product, "tok_decline")
        assert await settled(client, paid) == "PAID"
        assert await settled(client, failed) == "PAYMENT_FAILED"
        await eventually(client, "/api/tables/revenue", 1)
        # A welcome; two orders received, one paid and one not.
        await eventually(client, "/api/notifications", 5)
