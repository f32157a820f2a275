"""`python -m tests.shop.prove`: tens of thousands of orders, lived, simulated and struck, all invariants checked."""

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import click
import structlog

from streams.testing import VirtualTimeLoop
from tests.servers.errors import ServerUnavailable
from tests.servers.supply import Supply
from tests.shop.chaos import Chaos, guarded
from tests.shop.course import LONG
from tests.shop.invariants.checker import breaches
from tests.shop.invariants.evidence import Evidence
from tests.shop.life import Life, Ways
from tests.shop.place import shop
from tests.shop.simulation import simulate_shop, ways_of

LIFE: Final = 1_000
"""Orders of one life."""
LOST: Final = (0.0, 0.02, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the proof has come to."""

    orders: int = 0
    faults: int = 0
    breaches: tuple[str, ...] = ()

    def __add__(self, other: "Part") -> "Part":
        return Part(self.orders + other.orders, self.faults + other.faults, self.breaches + other.breaches)


async def lived(seed: int, ways: Ways, *, lost: float) -> Evidence:
    """What a life leaves, in virtual time; `lost` is the share of calls to the outside that come to no answer."""
    async with shop(seed, lost) as place:
        for act in Life(Random(seed), ways).acts():
            await asyncio.sleep(act.after)
            await place.publish(act.exchange, act.record, act.key, id=act.id)
        return await place.evidence()


def one_life(seed: int) -> Part:
    """A thousand orders in one process where nothing but the world outside fails, every event repeated."""
    _quiet()
    random = Random(seed)
    ways = Ways(LIFE, products=10, pieces=random.choice((60, 200, 400)), gaps=(0.0, 0.05, 0.3))
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = breaches(runner.run(lived(seed, ways, lost=random.choice(LOST))))
    return Part(LIFE, 0, tuple(f"life {seed}: {breach}" for breach in found))


def one_simulation(seed: int) -> Part:
    """A few orders under every fault."""
    _quiet()
    run = simulate_shop(seed)
    told = tuple(f"simulation {seed}: {violation}" for violation in run.violations)
    return Part(ways_of(seed).orders, run.figures.faults + run.figures.kills + run.figures.stalls, told)


def on_servers(seed: int) -> Part:
    """The long course on RabbitMQ and PostgreSQL. Raises ServerUnavailable."""
    course = replace(LONG, seed=seed)
    with Supply() as supply, TemporaryDirectory() as directory, guarded() as guard:
        chaos = Chaos(course, supply.own_rabbitmq(), supply.own_postgres())
        found = breaches(asyncio.run(chaos.run(guard, Path(directory))))
    told = tuple(f"servers {seed}: {breach}" for breach in found)
    return Part(course.ways.orders, sum(course.strikes.values()), told)


def _each(work: Callable[[int], Part], seeds: Sequence[int]) -> Iterator[Part]:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, seeds)


def _quiet() -> None:
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


PARTS: Final[Mapping[str, Callable[[int, Sequence[int]], Iterator[Part]]]] = {
    "lives": lambda first, seeds: _each(one_life, seeds),
    "simulations": lambda first, seeds: _each(one_simulation, seeds),
    "servers": lambda first, seeds: iter([on_servers(first)]),
}


@click.command()
@click.option("--lives", default=34, show_default=True, help="Lives of a thousand orders.")
@click.option("--simulations", default=400, show_default=True, help="Simulations of a few orders.")
@click.option("--first", default=0, help="The first seed.")
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
def main(lives: int, simulations: int, first: int, parts: Sequence[str]) -> None:
    """Show that every invariant of the shop holds, over fifty thousand orders in all; by default in every way."""
    _quiet()
    seeds = {"lives": range(first, first + lives), "simulations": range(first, first + simulations)}
    total = Part()
    for name in parts or PARTS:
        part = Part()
        try:
            for each in PARTS[name](first, seeds.get(name, range(1))):
                part += each
        except ServerUnavailable as problem:
            raise click.ClickException(str(problem)) from problem
        click.echo(f"{name}: {part.orders:,} orders, {part.faults:,} faults, {len(part.breaches)} breaches")
        total += part
    for breach in total.breaches[:50]:
        click.echo(breach)
    click.echo(f"{total.orders:,} orders in all")
    if total.breaches:
        raise click.ClickException("this is no proof")


if __name__ == "__main__":
    main()
