"""Alive, ready, metrics."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.endpoints import OPERATIONS
from stores.errors import StoreRefused, StoreUnavailable
from stores.memory import MemoryStore
from stores.port import Row
from streams.broker import Health
from streams.status import Status
from tests.api.shop import ACTIVITY, Shop, open_shop, until


class AwayStore(MemoryStore):
    """A store that cannot be reached."""

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        raise StoreUnavailable("postgresql does not answer: start it")

    async def query(self, table: str, **options: Any) -> Any:
        raise StoreUnavailable("postgresql does not answer: start it")


class SilentStore(MemoryStore):
    """A store that never answers."""

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        await asyncio.Event().wait()
        return []


def broken() -> Health:
    return Health("down", ("no connection to rabbit: start it",))


def paused() -> list[Status]:
    status = Status("orders", "orders", 0, "orders.saga", handled=7, position=41)
    status.paused("the store is away: start it")
    status.trouble("publishing", "a queue is full: empty it")
    return [status]


async def test_the_process_is_alive(shop: Shop) -> None:
    answer = await shop.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_shop_at_work_is_ready_and_tells_its_agents(working_shop: Shop) -> None:
    async def running() -> Any:
        body = (await working_shop.client.get("/readyz")).json()
        return body if all(agent["state"] == "running" for agent in body["agents"]) else None

    body = await until(running)
    assert (body["status"], body["degraded"]) == ("ok", [])
    assert {"orders", "payments", "notify", "analytics", "welcome"} <= {agent["agent"] for agent in body["agents"]}


async def test_what_is_amiss_is_told_in_sentences_while_the_rest_is_served() -> None:
    async with open_shop(health=broken, status=paused) as shop:
        answer = await shop.client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "degraded")
    assert body["degraded"] == [
        "the broker: no connection to rabbit: start it",
        "agent orders/orders/0 is paused: the store is away: start it",
        "agent orders/orders/0, publishing: a queue is full: empty it",
    ]
    assert body["agents"][0]["reason"] == "the store is away: start it"


async def test_a_store_that_is_away_degrades_and_its_reads_are_503() -> None:
    async with open_shop() as shop:
        shop.stores["orders"] = AwayStore()
        ready = await shop.client.get("/readyz")
        read = await shop.client.get("/api/orders")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["degraded"] == ["the store of orders: postgresql does not answer: start it"]
    assert (read.status_code, read.json()["code"], read.headers["retry-after"]) == (503, "store_unavailable", "5")


class RefusingStore(MemoryStore):
    """A store whose settings are wrong: nothing that a client could mend."""

    async def query(self, table: str, **options: Any) -> Any:
        raise StoreRefused("synchronous_commit is off: turn it on")


async def test_a_fault_of_a_store_is_ours_and_not_the_clients() -> None:
    async with open_shop() as shop:
        shop.stores["orders"] = RefusingStore()
        answer = await shop.client.get("/api/orders")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_what_is_read_elsewhere_is_told_to_who_asks_for_it_and_does_not_degrade() -> None:
    async with open_shop() as shop:
        del shop.stores["notifications"]
        ready = (await shop.client.get("/readyz")).json()
        read = await shop.client.get("/api/notifications")
    assert ready["degraded"] == []
    assert (read.status_code, read.json()["code"]) == (503, "not_served")


async def test_a_store_that_never_answers_degrades() -> None:
    async with open_shop(patience=0.01) as shop:
        shop.stores["orders"] = SilentStore()
        ready = await shop.client.get("/readyz")
    assert "the store of orders has not answered" in ready.json()["degraded"][0]


async def test_when_nothing_can_be_served_it_is_not_ready() -> None:
    async with open_shop(health=broken) as shop:
        shop.stores.update({service: AwayStore() for service in shop.stores})
        answer = await shop.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")


async def test_a_broker_that_is_blocked_without_a_reason_is_told_too() -> None:
    async with open_shop(health=lambda: Health("blocked")) as shop:
        answer = await shop.client.get("/readyz")
    assert answer.json()["degraded"] == ["the broker is blocked: see how it does"]


async def samples(shop: Shop) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = await shop.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(sorted(s.labels.values()))): s.value for family in families for s in family.samples}


async def test_requests_are_counted_by_method_route_and_status(shop: Shop) -> None:
    for path in ("/api/products", "/api/products", "/api/products/x", "/nowhere/7", "/nowhere/8"):
        await shop.client.get(path)
    await shop.client.post(ACTIVITY, json={"data": {}})
    await shop.client.request("BREW", "/api/products")
    found = await samples(shop)
    name = "warren_http_requests_total"
    assert found[name, ("/api/products", "200", "GET")] == 2
    assert found[name, ("/api/products/{id}", "422", "GET")] == 1
    assert found[name, ("404", "GET", "unmatched")] == 2
    assert found[name, ("/api/events/{exchange}/{routing_key}", "202", "POST")] == 1
    assert found[name, ("/api/products", "405", "other")] == 1
    assert found["warren_http_request_duration_seconds_count", ("/api/products", "GET")] == 2


async def test_agents_and_broker_are_measured() -> None:
    async with open_shop(status=paused) as shop:
        found = await samples(shop)
    agent = ("0", "orders", "orders")
    assert found["warren_agent_handled_total", agent] == 7
    assert found["warren_agent_position", agent] == 41
    assert found["warren_agent_state", tuple(sorted((*agent, "paused")))] == 1
    assert found["warren_agent_state", tuple(sorted((*agent, "running")))] == 0
    assert found["warren_broker_state", ("connected",)] == 1


async def test_every_app_has_metrics_of_its_own() -> None:
    async with open_shop() as one, open_shop() as other:
        await one.client.get("/api/products")
        key = ("warren_http_requests_total", ("/api/products", "200", "GET"))
        assert key in await samples(one)
        assert key not in await samples(other)


async def test_a_process_without_an_edge_tells_how_it_does_and_nothing_else() -> None:
    async with open_shop() as shop:
        transport = httpx.ASGITransport(create_app(shop.edge, OPERATIONS))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            for path in ("/healthz", "/readyz", "/metrics"):
                assert (await client.get(path)).status_code == 200
            for path in ("/api/orders", "/api/tables/payments", "/dashboard"):
                assert (await client.get(path)).status_code == 404
