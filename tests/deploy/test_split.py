"""An edge of several processes: what comes by way of the gateway, and what the loss of each part costs."""

import asyncio
import os
import signal
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.deploy.processes import Running, running
from tests.servers.address import RabbitMQ
from tests.staff import make_admin, staff, warren

SECRET = uuid4().hex
READS = {"orders": "/api/orders", "analytics": "/api/analytics/funnel", "auth": "/api/users/me"}
"""What staff may read; analytics of the gateway itself."""
SOON = 60.0
"""Seconds within which anything comes back."""


@dataclass(frozen=True)
class Edge:
    """Processes of it. Analytics are served by the gateway itself."""

    auth: Running
    orders: Running
    gateway: Running
    env: dict[str, str]
    """Of the part of orders."""


@pytest.fixture
def env(rabbitmq_vhost: RabbitMQ, postgres: str) -> Iterator[dict[str, str]]:
    """Of a shop that is prepared, with a virtual host and a database of its own."""
    name = f"test_{uuid4().hex}"
    asyncio.run(execute(postgres, f"CREATE DATABASE {name}"))
    own = {key: value for key, value in os.environ.items() if not key.startswith("WARREN_")}
    env = {
        **own,
        "WARREN_BROKER": rabbitmq_vhost.amqp,
        "WARREN_STREAM": rabbitmq_vhost.stream,
        "WARREN_MANAGEMENT": rabbitmq_vhost.management,
        "WARREN_STORE": f"{postgres.rpartition('/')[0]}/{name}",
        "WARREN_LOG_FORMAT": "json",
        "WARREN_SERVICE_SECRETS": SECRET,
        "WARREN_SEAL_KEYS": b64encode(bytes(range(32))).decode(),
    }
    warren("topology", "apply", env=env)
    warren("stores", "apply", env=env)
    make_admin(env)
    yield env
    asyncio.run(execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


async def execute(url: str, statement: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(statement)
    await server.close()


@contextmanager
def split(env: dict[str, str]) -> Iterator[Edge]:
    with ExitStack() as stack:
        unsealed = {key: value for key, value in env.items() if key != "WARREN_SEAL_KEYS"}
        auth = stack.enter_context(running("api", "--service", "auth", "--port", "0", env=unsealed))
        asks = {"WARREN_UPSTREAM_AUTH": auth.address()}
        orders = stack.enter_context(running("api", "--service", "orders", "--port", "0", env={**env, **asks}))
        hands_on = {**unsealed, **asks, "WARREN_UPSTREAM_ORDERS": orders.address(), "WARREN_RATE_LIMIT": "0"}
        gateway = stack.enter_context(running("api", "--service", "gateway", "--port", "0", env=hands_on))
        gateway.address()
        yield Edge(auth, orders, gateway, {**env, **asks})


@pytest.mark.timeout(400)
def test_an_edge_in_parts_serves_and_loses_no_more_than_the_part_that_is_lost(env: dict[str, str]) -> None:
    with split(env) as edge:
        asyncio.run(use(edge))


async def use(edge: Edge) -> None:
    async with httpx.AsyncClient(base_url=edge.gateway.address(), timeout=SOON) as client:
        client.headers.update(await staff(client))
        await everything_is_served(client)
        await nobody_comes_past_the_gateway(edge, dict(client.headers))
        await without_orders_the_rest_goes_on(edge, client)
        await orders_come_back(edge, client)
        await without_auth_tokens_go_on_counting(edge, client)


async def everything_is_served(client: httpx.AsyncClient) -> None:
    for path in READS.values():
        assert (await client.get(path)).status_code == 200, path
    product = f"/api/products/{uuid4()}"
    put = await client.put(product, json={"name": "Kettle", "price": "29.90", "currency": "EUR"})
    assert put.status_code == 202, put.text


async def nobody_comes_past_the_gateway(edge: Edge, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(headers=headers, timeout=SOON) as past:
        for process, path in ((edge.auth, READS["auth"]), (edge.orders, READS["orders"])):
            answer = await past.get(process.address() + path)
            assert (answer.status_code, answer.json()["code"]) == (401, "service_token_required"), path
            assert (await past.get(process.address() + "/readyz")).status_code == 200


async def without_orders_the_rest_goes_on(edge: Edge, client: httpx.AsyncClient) -> None:
    edge.orders.kill()
    answer = await client.get(READS["orders"])
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    for path in (READS["analytics"], READS["auth"]):
        assert (await client.get(path)).status_code == 200, path


async def orders_come_back(edge: Edge, client: httpx.AsyncClient) -> None:
    port = edge.orders.address().rpartition(":")[2]
    with running("api", "--service", "orders", "--port", port, env=edge.env) as again:
        again.address()
        deadline = time.monotonic() + SOON
        while not await served(client, READS["orders"]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


async def without_auth_tokens_go_on_counting(edge: Edge, client: httpx.AsyncClient) -> None:
    """Whether it hangs or is gone."""
    edge.auth.process.send_signal(signal.SIGSTOP)
    assert await served(client, READS["analytics"])
    edge.auth.kill()
    assert await served(client, READS["analytics"])
    answer = await client.get(READS["auth"])
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")


async def served(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).status_code == 200
