"""`python -m tests.prove.outage`: RabbitMQ is away for a minute, and then full, while clients publish over HTTP."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import click
import httpx
import structlog

from streams.rabbitmq import RabbitMQ
from tests.api.shop import ACTIVITY, SHOP, Shop, open_shop
from tests.servers.errors import ServerUnavailable
from tests.servers.server import RabbitMQServer
from tests.servers.supply import Supply
from topology.diff import diff
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply

MINUTE: Final = 60.0
PATIENCE: Final = 1.0
"""Seconds that the edge waits for RabbitMQ."""
AT_ONCE: Final = 8
_LOG: Final = "analytics.all.events"
_LONGEST_WAIT: Final = 60.0


@dataclass
class Outage:
    """What the clients were answered."""

    accepted: set[str] = field(default_factory=set)
    refused: int = 0
    seconds: list[float] = field(default_factory=list)
    """How long each answer took while RabbitMQ was away."""
    wrong: list[str] = field(default_factory=list)
    """Answers that should not be."""
    lost: set[str] = field(default_factory=set)
    """Accepted, and not in the log."""
    blocked: str = ""
    """What `/readyz` said while RabbitMQ took nothing."""
    back_after: float = 0.0
    """Seconds from the server's start to the first event that was accepted."""

    def told(self) -> str:
        """In a line."""
        return (
            f"{len(self.accepted):,} events accepted, {self.refused:,} answered 503 after {median(self.seconds):.1f} s "
            f"(median; {max(self.seconds):.1f} s at the most); accepted again {self.back_after:.1f} s after RabbitMQ "
            f"was there; lost {len(self.lost)}, wrong answers {len(self.wrong)} {self.wrong[:3]}"
        )


async def run(server: RabbitMQServer, seconds: float) -> Outage:
    """Kill the server, leave it away for so long, let it come back, and let it be full for a while."""
    outage = Outage()
    async with _edge(server) as shop:
        clients = [asyncio.create_task(_publish(shop, outage, number)) for number in range(AT_ONCE)]
        try:
            await _until(lambda: len(outage.accepted) > 100)
            await _away(server, seconds, outage)
            await _full(server, shop, outage)
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
        outage.lost = outage.accepted - {message["id"] for message in await shop.log(_LOG)}
    return outage


@asynccontextmanager
async def _edge(server: RabbitMQServer) -> AsyncIterator[Shop]:
    address = server.address
    async with Management(address.management) as management:
        plan = diff(SHOP, await observe(management, address.vhost))
        await apply(management, address.vhost, plan.steps)
    # What RabbitMQ was told to make in its last second may go with it when it is killed.
    await asyncio.sleep(2)
    broker = RabbitMQ(address.amqp, address.stream, address.management)
    try:
        async with open_shop(broker=broker, patience=PATIENCE) as shop:
            yield shop
    finally:
        await broker.close()


async def _publish(shop: Shop, outage: Outage, client: int) -> None:
    number = 0
    while True:
        name = f"{client}-{number}"
        began = time.monotonic()
        answer = await shop.client.post(ACTIVITY, json={"id": name, "data": {"n": number}})
        _note(outage, name, answer, time.monotonic() - began)
        number += 1
        await asyncio.sleep(0.01)


def _note(outage: Outage, name: str, answer: httpx.Response, seconds: float) -> None:
    if answer.status_code == 202:
        outage.accepted.add(name)
    elif answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0:
        outage.refused += 1
        outage.seconds.append(seconds)
    else:
        outage.wrong.append(f"{answer.status_code} {answer.text}")


async def _away(server: RabbitMQServer, seconds: float, outage: Outage) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(seconds)
    await _until(lambda: outage.refused > AT_ONCE)
    await asyncio.to_thread(server.start)
    began, before = time.monotonic(), len(outage.accepted)
    await _until(lambda: len(outage.accepted) > before)
    outage.back_after = time.monotonic() - began


async def _full(server: RabbitMQServer, shop: Shop, outage: Outage) -> None:
    """As if there were no memory left: RabbitMQ blocks whoever publishes."""
    await asyncio.to_thread(server.control, "set_vm_memory_high_watermark", "0.00001")
    try:
        before = outage.refused
        await _until(lambda: outage.refused > before + AT_ONCE)
        ready = (await shop.client.get("/readyz")).json()
        outage.blocked = " ".join(ready["degraded"])
    finally:
        await asyncio.to_thread(server.control, "set_vm_memory_high_watermark", "0.4")
    accepted = len(outage.accepted)
    await _until(lambda: len(outage.accepted) > accepted + 100)


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


@click.command()
@click.option("--seconds", default=MINUTE, help="How long RabbitMQ is away.")
def main(seconds: float) -> None:
    """Publish over HTTP while RabbitMQ is away."""
    logging.disable(logging.CRITICAL)  # aiormq tells of every connection that breaks
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with Supply() as supply:
            outage = asyncio.run(run(supply.own_rabbitmq(), seconds))
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(outage.told())
    if outage.lost or outage.wrong:
        raise click.ClickException("an event was lost, or answered wrongly")


if __name__ == "__main__":
    main()
