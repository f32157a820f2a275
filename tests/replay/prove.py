"""`python -m tests.replay.prove [--orders N] [TRIAL…]`: all orders of the data set, and with everything killed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from tests.replay.command import Command
from tests.replay.contents import in_files, in_postgres
from tests.replay.course import KILL_REPLAY, Strike, run
from tests.replay.examination import Place, examined
from tests.replay.report import told
from tests.replay.shop import Counts, Shop
from tests.replay.wire import of_file, of_rabbitmq
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.supply import Supply
from warren.cli.replay import ALL


@dataclass(frozen=True, slots=True)
class Scene:
    """A shop with nothing in it yet."""

    replay: Callable[[int], Command]
    place: Place
    strikes: list[Strike]
    counted: Callable[[dict[str, Any]], Counts]
    """From what the replay has said, or from elsewhere."""


@contextmanager
def embedded(*, struck: bool) -> Iterator[Scene]:
    """Everything in the replay's own process, without any server."""
    guard = Guard()
    with TemporaryDirectory() as directory:
        yield Scene(
            lambda orders: Command(guard, _arguments(orders), {"WARREN_DATA": directory}),
            Place(in_files(Path(directory)), partial(of_file, Path(directory))),
            [KILL_REPLAY] * 6 if struck else [],
            _of_agents,
        )
    guard.close()


@contextmanager
def on_servers(*, workers: bool, struck: bool) -> Iterator[Scene]:
    """RabbitMQ and PostgreSQL; a process for each service, or one for all."""
    guard = Guard()
    with Supply() as supply:
        rabbitmq, postgres = supply.own_rabbitmq(), supply.own_postgres()
        with Shop(guard, rabbitmq, postgres, workers=workers) as shop:
            processes = [*shop.kills_of_workers(), KILL_REPLAY]
            strikes = [*processes, *shop.kills_of_servers(), *shop.restarts_of_servers(), *processes]
            yield Scene(
                shop.replay,
                Place(in_postgres(postgres.url), partial(of_rabbitmq, rabbitmq.address)),
                strikes if struck else [],
                (lambda said: shop.counted()) if workers else _of_agents,
            )
    guard.close()


TRIALS: Final[Mapping[str, Callable[[], AbstractContextManager[Scene]]]] = {
    "embedded": partial(embedded, struck=False),
    "embedded-killed": partial(embedded, struck=True),
    "one-process": partial(on_servers, workers=False, struck=False),
    "one-process-killed": partial(on_servers, workers=False, struck=True),
    "process-each": partial(on_servers, workers=True, struck=False),
    "process-each-killed": partial(on_servers, workers=True, struck=True),
}


def _arguments(orders: int) -> list[str]:
    return ["replay", "completejourney", "--json", "--orders", str(orders)]


def _of_agents(said: dict[str, Any]) -> Counts:
    """Of a replay that ran the agents itself; where it was killed, of its last process alone."""
    counts = Counts()
    for agent, of_agent in said["agents"].items():
        service = agent.partition("/")[0]
        counts.update({(service, what): number for what, number in of_agent.items()})
    return counts


def prove(name: str, orders: int) -> str:
    """Run a trial, tell how it went; the digest of all tables. Raises AssertionError."""
    with TRIALS[name]() as scene:
        first = run(partial(scene.replay, orders), orders, scene.strikes)
        counts = scene.counted(first.said)
        found = asyncio.run(examined(scene.place, orders))
        again = run(partial(scene.replay, orders), orders)
        assert asyncio.run(examined(scene.place, orders)) == found, f"{name}: the second run has changed something"
    click.echo(told(name, first, counts, found.wire, again, scene.strikes))
    return found.contents.digest


@click.command()
@click.option(
    "--orders", default=ALL, show_default=True, type=click.IntRange(5_000, ALL), help="The first so many orders."
)
@click.argument("trials", nargs=-1, type=click.Choice(list(TRIALS)))
def main(orders: int, trials: Sequence[str]) -> None:
    """Replay all orders of the data set, whole and with everything killed; all trials by default, about an hour."""
    try:
        digests = {prove(name, orders) for name in trials or TRIALS}
    except (AssertionError, ServerUnavailable) as failure:
        raise click.ClickException(str(failure)) from failure
    if len(digests) > 1:
        raise click.ClickException("the tables of these trials differ from one another")
    click.echo(f"all tables are the same, byte for byte, in every trial: sha256 {digests.pop()}")


if __name__ == "__main__":
    main()
