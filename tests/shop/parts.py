"""The parts of the proof: each is a number of orders lived through in one way, and what was wrong in the end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from streams.testing import VirtualTimeLoop
from tests.servers.errors import ServerUnavailable
from tests.servers.supply import Supply
from tests.shop.chaos import Chaos, guarded
from tests.shop.course import LONG
from tests.shop.invariants.checker import breaches
from tests.shop.invariants.evidence import Evidence
from tests.shop.life import Life, Ways
from tests.shop.people import People
from tests.shop.place import shop
from tests.shop.simulation import simulate_shop, ways_of

LIFE: Final = 1_000
"""Orders of one life."""
LOST: Final = (0.0, 0.02, 0.1, 0.3)
"""Shares of calls to the world outside that come to no answer."""
EXAMPLES: Final = settings(
    max_examples=50, stateful_step_count=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
"""Of one run of Hypothesis."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the proof, or some of it, has come to."""

    orders: int = 0
    faults: int = 0
    breaches: tuple[str, ...] = ()

    def __add__(self, other: "Part") -> "Part":
        return Part(self.orders + other.orders, self.faults + other.faults, self.breaches + other.breaches)


async def lived(number: int, ways: Ways, *, lost: float) -> Evidence:
    """What a life leaves, in virtual time; `lost` is the share of calls to the outside that come to no answer."""
    async with shop(number, lost) as place:
        for act in Life(Random(number), ways).acts():
            await asyncio.sleep(act.after)
            await place.publish(act.exchange, act.record, act.key, id=act.id)
        return await place.evidence()


def hypothesis(number: int) -> Part:
    """Whatever people do, in fifty ways that Hypothesis thinks of."""
    orders = 0

    class Counted(People):
        def teardown(self) -> None:
            nonlocal orders
            orders += self.placed
            super().teardown()

    run_state_machine_as_test(seed(number)(Counted), settings=EXAMPLES)
    return Part(orders)


def life(number: int) -> Part:
    """A thousand orders in one process where nothing but the world outside fails, every event repeated."""
    random = Random(number)
    ways = Ways(LIFE, products=10, pieces=random.choice((60, 200, 400)), gaps=(0.0, 0.05, 0.3))
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = breaches(runner.run(lived(number, ways, lost=random.choice(LOST))))
    return Part(LIFE, 0, tuple(map(str, found)))


def simulation(number: int) -> Part:
    """A few orders under every fault."""
    run = simulate_shop(number)
    figures = run.figures
    return Part(
        ways_of(number).orders, figures.faults + figures.kills + figures.stalls, tuple(map(str, run.violations))
    )


def servers(number: int) -> Part:
    """The long course on RabbitMQ and PostgreSQL. Raises ServerUnavailable."""
    course = replace(LONG, seed=number)
    with Supply() as supply, TemporaryDirectory() as directory, guarded() as guard:
        chaos = Chaos(course, supply.own_rabbitmq(), supply.own_postgres())
        found = breaches(asyncio.run(chaos.run(guard, Path(directory))))
    return Part(course.ways.orders, sum(course.strikes.values()), tuple(map(str, found)))


def judged(work: Callable[[int], Part], number: int) -> Part:
    """What a piece of work has come to. Where it does not come to an end as it should, that is a breach, and the others
    go on. Raises ServerUnavailable."""
    try:
        part = work(number)
    except ServerUnavailable:
        raise
    except Exception as failed:
        part = Part(breaches=(f"{type(failed).__name__}: {failed}",))
    return replace(part, breaches=tuple(f"{work.__name__} {number}: {breach}" for breach in part.breaches))
