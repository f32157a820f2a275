"""The edge on a real RabbitMQ."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from streams.rabbitmq import RabbitMQ
from tests.api.shop import ACTIVITY, SHOP, open_shop
from tests.servers.address import RabbitMQ as Address
from topology.diff import diff
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply


@pytest.fixture
async def broker(rabbitmq_vhost: Address) -> AsyncIterator[RabbitMQ]:
    async with Management(rabbitmq_vhost.management) as management:
        plan = diff(SHOP, await observe(management, rabbitmq_vhost.vhost))
        await apply(management, rabbitmq_vhost.vhost, plan.steps)
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, rabbitmq_vhost.management)
    yield broker
    await broker.close()


async def test_what_is_accepted_is_in_the_logs(broker: RabbitMQ) -> None:
    async with open_shop(broker=broker, patience=10.0) as shop:
        placed = await asyncio.gather(*(shop.place(f"key-{n % 3}") for n in range(9)))
        assert {answer.status_code for answer in placed} <= {202, 409}, "409: under way by the same key"
        assert {answer.status_code for answer in [await shop.place(f"key-{n}") for n in range(3)]} == {202}
        ids = {message["id"] for message in await shop.log("orders.saga")}
        lines = "\n".join(json.dumps({"data": {"n": n}}) for n in range(1_200))
        headers = {"Content-Type": "application/x-ndjson", "X-Request-ID": "req-1"}
        answer = await shop.client.post(ACTIVITY, content=lines, headers=headers)
        events = await shop.log("analytics.all.events")
    assert len(ids) == 3
    assert answer.json() == {"accepted": 1_200, "rejected": []}
    assert [json.loads(event["body"])["n"] for event in events] == list(range(1_200))
    assert {event["correlation"] for event in events} == {"req-1"}


async def test_a_broker_that_cannot_be_reached_is_503() -> None:
    broker = RabbitMQ(
        "amqp://guest:guest@127.0.0.1:1/", "rabbitmq-stream://guest:guest@127.0.0.1:1/", "http://127.0.0.1:1"
    )
    async with open_shop(broker=broker) as shop:
        answer = await shop.place()
        ready = await shop.client.get("/readyz")
    await broker.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
