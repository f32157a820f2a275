"""`python -m benchmarks.whole_orders`: what a whole order costs, in ms of CPU of each process.

Orders of the data set go through the shop on a RabbitMQ and a PostgreSQL of its own, a worker for each service, the
provider in process. It counts from the moment the goods have arrived until every figure is right.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks import processes, servers
from benchmarks.profile import hottest
from tests.replay.shop import SERVICES, Shop
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.supply import Supply

PATIENCE = 600.0
"""Seconds, for goods to arrive and for orders to go through."""
RATE = "200"
"""Samples a second."""


def measure(orders: int, profiled: frozenset[str]) -> None:
    """Run once and print what it has cost. Raises AssertionError where a figure differs from the data's."""
    guard = Guard()
    with Supply() as supply:
        rabbitmq, postgres = supply.own_rabbitmq(), supply.own_postgres()
        found = asyncio.run(servers.look(rabbitmq.address, postgres.url))
        with Shop(guard, rabbitmq, postgres) as shop, ExitStack() as profiles:
            replay = shop.replay(orders)
            replay.begins(within=PATIENCE)
            pids = {**shop.pids, "replay": replay.pid, "RabbitMQ": found.rabbitmq_pid, "PostgreSQL": found.postgres_pid}
            for name in sorted(profiled):
                profiles.enter_context(profile(name, pids[name]))
            before, began = _spent(pids), time.monotonic()
            replay.reaches(orders, within=PATIENCE)
            spent, elapsed = _spent(pids), time.monotonic() - began
            assert replay.ends(within=PATIENCE) == 0, replay.report("it failed")
            said: dict[str, Any] = json.loads(replay.output)
            assert said["differences"] == [], said["differences"]
    guard.close()
    click.echo("\n".join(told(orders, elapsed, {name: spent[name] - before[name] for name in pids})))


def _spent(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: processes.cpu_seconds(pid) for name, pid in pids.items()}


def told(orders: int, elapsed: float, spent: Mapping[str, float]) -> Iterator[str]:
    """Lines about orders that took `elapsed` seconds, and `spent` seconds of CPU of each process."""
    yield f"{orders:,} orders in {elapsed:.1f} s, {orders / elapsed:,.0f}/s; ms of CPU an order:"
    for name, seconds in (*spent.items(), ("all", sum(spent.values()))):
        yield f"{name:>14} {1000 * seconds / orders:6.3f}"


@contextmanager
def profile(name: str, pid: int) -> Iterator[None]:
    """While the context lasts, samples are taken of a process; then the hottest places are printed."""
    with TemporaryDirectory(prefix="warren-bench-") as directory:
        samples = Path(directory) / "samples.txt"
        py_spy = str(Path(sys.executable).with_name("py-spy"))
        command = [py_spy, "record", "--rate", RATE, "--format", "raw", "--pid", str(pid), "--output", str(samples)]
        recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait(PATIENCE)
        click.echo("\n".join((f"# {name}", "", *hottest(samples.read_text()))))


@click.command()
@click.option("--orders", default=4_000, show_default=True, help="The first so many of the data set.")
@click.option("--profile", "profiled", multiple=True, type=click.Choice(SERVICES), help="Show where its time goes.")
def main(orders: int, profiled: tuple[str, ...]) -> None:
    """Measure what a whole order costs on RabbitMQ and PostgreSQL."""
    try:
        measure(orders, frozenset(profiled))
    except (AssertionError, ServerUnavailable) as failure:
        raise click.ClickException(str(failure)) from failure


if __name__ == "__main__":
    main()
