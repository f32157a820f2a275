"""An edge of several processes before workers: a buyer's path by the gateway, and what the loss of each part costs."""

import asyncio
import json
import os
import signal
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect

from tests.deploy.buying import SOON, offered, place
from tests.deploy.processes import Running, running
from tests.servers.address import RabbitMQ
from tests.staff import make_admin, staff, warren

SECRET = uuid4().hex
READS = {"auth": "/api/users/me", "orders": "/api/orders", "analytics": "/api/analytics/funnel"}
"""Of each part, what staff may read."""
GATEWAYS_OWN = "/api/notifications"
PATIENCE = 5
"""Seconds within which a part answers, or has failed."""
REST = 30
"""Seconds that a part rests which has failed too often."""


@dataclass(frozen=True)
class Edge:
    """Its processes."""

    parts: dict[str, Running]
    gateway: Running


@pytest.fixture
def env(rabbitmq_vhost: RabbitMQ, postgres: str, tmp_path: Path) -> Iterator[dict[str, str]]:
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
        "WARREN_DATA": str(tmp_path),
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
    """All that can is started at once: most of the time is Python's, reading its modules."""
    with ExitStack() as stack:

        def started(*command: str, **more: str) -> Running:
            return stack.enter_context(running(*command, env={**env, **more}))

        def part(name: str, **more: str) -> Running:
            return started("api", "--service", name, "--port", "0", **more)

        auth = part("auth")
        started("worker")
        asks = {"WARREN_UPSTREAM_AUTH": auth.address()}
        parts = {"auth": auth, "orders": part("orders", **asks), "analytics": part("analytics", **asks)}
        addresses = {f"WARREN_UPSTREAM_{name.upper()}": process.address() for name, process in parts.items()}
        gateway = part("gateway", **addresses, WARREN_RATE_LIMIT="0", WARREN_UPSTREAM_PATIENCE=str(PATIENCE))
        gateway.address()
        yield Edge(parts, gateway)


@pytest.mark.timeout(400)
def test_an_edge_in_parts_serves_and_loses_no_more_than_the_part_that_is_lost(env: dict[str, str]) -> None:
    with split(env) as edge:
        asyncio.run(use(edge))


async def use(edge: Edge) -> None:
    async with httpx.AsyncClient(base_url=edge.gateway.address(), timeout=SOON) as client:
        client.headers.update(await staff(client))
        await nobody_comes_past_the_gateway(edge, dict(client.headers))
        await an_order_is_bought_and_told_of(edge, client)
        await parts_that_hang_fail_alone_and_come_back(edge, client)
        await parts_that_are_gone_are_lost_alone(edge, client)
        await without_auth_tokens_go_on_counting(edge, client)


async def nobody_comes_past_the_gateway(edge: Edge, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(headers=headers, timeout=SOON) as past:
        for name, process in edge.parts.items():
            answer = await past.get(process.address() + READS[name])
            assert (answer.status_code, answer.json()["code"]) == (401, "service_token_required"), name
            assert (await past.get(process.address() + "/readyz")).status_code == 200


# --- a buyer's path ---


async def an_order_is_bought_and_told_of(edge: Edge, client: httpx.AsyncClient) -> None:
    """Placed in one part, settled by workers, counted in another; a WebSocket and a stream of events say so."""
    user = str((await client.get(READS["auth"])).json()["id"])
    product = await offered(client)
    order = await place(client, user, product, "tok_ok")
    assert await told_by_socket(edge, client, f"/api/tables/orders/changes?key={order}", paid) == "PAID"
    assert await told_by_socket(edge, client, "/api/analytics/live", captured) == product["price"]
    revenue = (await client.get("/api/analytics/revenue", params={"currency": "EUR"})).json()
    assert revenue["total"] == product["price"]
    assert (await client.get(f"/api/tables/orders/{order}")).json()["value"]["status"] == "PAID"
    await streamed(client, "orders.saga", order)


def paid(message: dict[str, Any]) -> str | None:
    value = message["rows"][0]["value"]
    return "PAID" if value and value["status"] == "PAID" else None


def captured(message: dict[str, Any]) -> str | None:
    return next((str(one["total"]) for one in message["data"].get("revenue", [])), None)


async def told_by_socket(edge: Edge, client: httpx.AsyncClient, path: str, wanted: Any) -> str:
    """What a message on a WebSocket says in the end."""
    url = edge.gateway.address().replace("http", "ws", 1) + path
    headers = {"Authorization": client.headers["Authorization"]}
    async with asyncio.timeout(SOON), connect(url, additional_headers=headers, proxy=None) as socket:
        while True:
            found: str | None = wanted(json.loads(await socket.recv()))
            if found is not None:
                return found


async def streamed(client: httpx.AsyncClient, log: str, wanted: str) -> None:
    """Until a server-sent event of a log says this."""
    accept = {"Accept": "text/event-stream"}
    async with asyncio.timeout(SOON), client.stream("GET", f"/api/logs/{log}", headers=accept) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:") and wanted in line:
                return
    raise AssertionError("the stream ended")


# --- what is lost ---


async def parts_that_hang_fail_alone_and_come_back(edge: Edge, client: httpx.AsyncClient) -> None:
    """Analytics are asked so often that they rest; orders are asked once, and so come back at once."""
    hang = [edge.parts[name].process for name in ("analytics", "orders")]
    for process in hang:
        process.send_signal(signal.SIGSTOP)
    asked = [asyncio.create_task(client.get(READS["analytics"])) for _ in range(20)]
    once = asyncio.create_task(client.get(READS["orders"]))
    for path in (READS["auth"], GATEWAYS_OWN):
        await serves(client, path)
    assert {lost(answer) for answer in await asyncio.gather(*asked, once)} == {1}
    began = time.monotonic()
    assert lost(await client.get(READS["analytics"])) == REST
    assert time.monotonic() - began < PATIENCE, "it rests, and was asked all the same"
    for process in hang:
        process.send_signal(signal.SIGCONT)
    await serves(client, READS["orders"])


async def parts_that_are_gone_are_lost_alone(edge: Edge, client: httpx.AsyncClient) -> None:
    edge.parts["orders"].kill()
    assert lost(await client.get(READS["orders"])) == REST
    for path in (READS["auth"], GATEWAYS_OWN):
        await serves(client, path)


async def without_auth_tokens_go_on_counting(edge: Edge, client: httpx.AsyncClient) -> None:
    """Whether it hangs or is gone."""
    edge.parts["auth"].process.send_signal(signal.SIGSTOP)
    await serves(client, GATEWAYS_OWN)
    edge.parts["auth"].kill()
    await serves(client, GATEWAYS_OWN)
    assert lost(await client.get(READS["auth"])) > 0


def lost(answer: httpx.Response) -> int:
    """Seconds after which to ask again."""
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable"), answer.text
    return int(answer.headers["retry-after"])


async def serves(client: httpx.AsyncClient, path: str) -> None:
    deadline = time.monotonic() + SOON
    while (answer := await client.get(path)).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.2)
