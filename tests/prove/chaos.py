"""`python -m tests.prove.chaos`: everything is struck, again and again, while entries pour in."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from tests.prove import recovery
from tests.prove.crew import Crew
from tests.prove.feeder import BATCH, Feeder
from tests.prove.place import Place, prepare
from tests.prove.strikes import Strikes
from tests.prove.subject import SERVICE
from tests.prove.trial import all_counted
from tests.prove.verdict import Verdict
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.server import PostgresServer, RabbitMQServer
from tests.servers.supply import Supply

WORKERS: Final = 2
_CATCH_UP_SECONDS: Final = 1_800.0


@dataclass(frozen=True, slots=True)
class Course:
    """What happens in a run."""

    seconds: float
    entries: int
    strikes: Mapping[str, int]
    seed: int = 0

    def order(self) -> list[str]:
        """The strikes as they come."""
        names = list(Counter(self.strikes).elements())
        random.Random(self.seed).shuffle(names)
        return names


LONG: Final = Course(
    900,
    210_000,
    {
        "worker killed": 24,
        "worker frozen": 6,
        "network cut": 32,
        "broker killed": 4,
        "database killed": 2,
        "database restarted": 2,
        "memory alarm": 1,
        "disk alarm": 1,
    },
)
SHORT: Final = Course(
    30,
    3_000,
    {
        "worker killed": 2,
        "worker frozen": 1,
        "network cut": 2,
        "broker killed": 1,
        "database killed": 1,
        "memory alarm": 1,
        "disk alarm": 1,
    },
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a run."""

    verdict: Verdict
    seconds: float
    recovery: Mapping[str, list[float]]
    most: Mapping[str, int]
    """The most that any worker has held at any time."""
    repeats: int
    """Batches that were put in twice on purpose."""

    def told(self) -> str:
        """In a few lines."""
        v = self.verdict
        lines = [
            f"{v.events:,} events in {self.seconds:,.0f} s: lost {v.lost}, counted twice {v.twice}, "
            f"out of order {v.disorder}, unexplained {v.unexplained}; {v.wire_duplicates:,} duplicates on the wire, "
            f"{self.repeats * BATCH:,} of them on purpose",
            *_measured(self.recovery, self.most),
            *v.findings,
        ]
        return "\n".join(lines)


def _measured(seconds: Mapping[str, list[float]], most: Mapping[str, int]) -> list[str]:
    held = [f"  the most that a worker held: {', '.join(f'{what} {n:,}' for what, n in most.items())}"] if most else []
    return [*(f"  {name}: moving again after {recovery.told(times)}" for name, times in seconds.items()), *held]


async def run(
    course: Course, rabbitmq: RabbitMQServer, postgres: PostgresServer, directory: Path, guard: Guard
) -> Outcome:
    """Run a course on these servers. Raises AssertionError where something does not come back."""
    place = Place(rabbitmq.address, postgres.url, SERVICE, directory / "ledger")
    await prepare(place)
    # What RabbitMQ was told to make in its last second may go with it.
    await asyncio.to_thread(rabbitmq.restart)
    crew, feeder = Crew(place, guard), Feeder(place.rabbitmq, place.ledger, course.seed)
    strikes = Strikes(place, crew, feeder, rabbitmq, postgres, course.seed)
    began = time.monotonic()
    try:
        for _ in range(WORKERS):
            await strikes.start_worker()
        await _stand(course, feeder, strikes, place)
    except (AssertionError, TimeoutError) as failure:
        raise AssertionError(f"{failure!r}\n{crew.errors()}") from failure
    finally:
        await strikes.abandon()
        await feeder.close()
    ended = time.monotonic() - began
    return Outcome(await place.judged(), ended, strikes.seconds, _most(crew), feeder.repeats)


async def _stand(course: Course, feeder: Feeder, strikes: Strikes, place: Place) -> None:
    over = asyncio.Event()
    feeding = asyncio.create_task(feeder.pour(course.entries, over, pause=BATCH * course.seconds / course.entries / 2))
    try:
        await recovery.moves_again(place, recovery.NOTHING, recovery.MOVING)
        await _strike(course, strikes)
        click.echo("\n".join(["all struck", *_measured(strikes.seconds, {})]), err=True)
        over.set()
        await feeding
    finally:
        feeding.cancel()
    await all_counted(place, feeder, within=_CATCH_UP_SECONDS)
    await strikes.stop_workers()


async def _strike(course: Course, strikes: Strikes) -> None:
    order = course.order()
    began = time.monotonic()
    for number, name in enumerate(order):
        due = began + (number + 0.5) * course.seconds / len(order)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        click.echo(f"{time.monotonic() - began:6.1f} s  {name}", err=True)
        await strikes.kinds[name]()


def _most(crew: Crew) -> Mapping[str, int]:
    sizes = [held for member in crew.members for held in member.sizes]
    return {what: max(held[what] for held in sizes) for what in sizes[0]}


@click.command()
@click.option("--short", is_flag=True, help="The part that `make test` runs.")
@click.option("--seed", default=0, help="For other strikes in another order.")
def main(short: bool, seed: int) -> None:
    """Strike workers, network, broker and database for a quarter of an hour."""
    logging.disable(logging.CRITICAL)  # aiormq tells of every connection that breaks
    course = SHORT if short else LONG
    course = Course(course.seconds, course.entries, course.strikes, seed)
    guard = Guard()
    try:
        with Supply() as supply, TemporaryDirectory() as directory:
            servers = supply.own_rabbitmq(), supply.own_postgres()
            outcome = asyncio.run(run(course, *servers, Path(directory), guard))
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        guard.close()
    click.echo(outcome.told())
    if not outcome.verdict.clean or outcome.verdict.wire_duplicates <= outcome.repeats * BATCH:
        raise click.ClickException("this is no proof")


if __name__ == "__main__":
    main()
