"""The HTTP edge in a process of its own, on RabbitMQ, to be watched and struck from outside."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import click

from streams.rabbitmq import RabbitMQ
from tests.replay.command import neutral
from tests.servers.address import RabbitMQ as Address
from tests.servers.errors import ServerUnavailable
from tests.servers.management import create_vhost, delete_vhost
from tests.servers.supply import Supply
from topology.diff import diff
from topology.load import load_shop
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply

LOG: Final = "analytics.all.events"
EVENTS: Final = "/api/events/user.events/user.activity.product_viewed"
"""What is posted here stands in LOG."""
STOP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class EdgeProcess:
    """One life of the edge."""

    process: "subprocess.Popen[str]"
    url: str

    def most_resident(self) -> int:
        """The most bytes that it has had."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("/proc/PID/status has no VmHWM")

    def kill(self) -> None:
        """At once, with all that it has not written yet."""
        self.process.kill()
        self.process.wait()


@contextmanager
def edge(address: Address, data: Path) -> Iterator[EdgeProcess]:
    """`warren api` on this virtual host; what services keep is in SQLite under `data`."""
    settings = {
        "BROKER": address.amqp,
        "STREAM": address.stream,
        "MANAGEMENT": address.management,
        "DATA": str(data),
        "AUTH": "off",
        "RATE_LIMIT": "0",
        "LOG_LEVEL": "warning",
        "SEAL_KEYS": b64encode(bytes(range(32))).decode(),
    }
    environment = {**neutral(), **{f"WARREN_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "warren", "api", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield EdgeProcess(process, _announced(process))
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)


def _announced(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    told: list[str] = []
    for line in process.stderr:
        if line.startswith("serving "):
            return line.removeprefix("serving ").strip()
        told.append(line)
    raise AssertionError(f"the edge ended before it served: {''.join(told)}")


@asynccontextmanager
async def prepared(address: Address) -> AsyncIterator[RabbitMQ]:
    """The shop's topology on this virtual host, and a way to read its logs."""
    async with Management(address.management) as management:
        plan = diff(load_shop(), await observe(management, address.vhost))
        await apply(management, address.vhost, plan.steps)
    broker = RabbitMQ(address.amqp, address.stream, address.management)
    try:
        yield broker
    finally:
        await broker.close()


async def held(broker: RabbitMQ) -> int:
    """Messages in LOG."""
    return (await broker.extent(LOG)).last + 1


async def ids(broker: RabbitMQ) -> list[str]:
    """Of all messages that LOG still has, in its order."""
    last, found = (await broker.extent(LOG)).last, list[str]()
    async with broker.read(LOG, "first") as reader:
        async for chunk in reader:
            found += [envelope.id for envelope in reader.scan(chunk, 0, ())]
            if chunk.first + len(chunk.raws) > last:
                break
    return found


@contextmanager
def own_place() -> Iterator[tuple[Address, Path]]:
    """A virtual host and a directory for a command alone. Raises click.ClickException where there is no RabbitMQ."""
    try:
        with Supply() as supply, TemporaryDirectory(prefix="warren-edge-") as data:
            own = supply.rabbitmq.at(f"edge-{uuid4().hex}")
            create_vhost(own)
            try:
                yield own, Path(data)
            finally:
                delete_vhost(own)
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
