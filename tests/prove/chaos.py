"""`python -m tests.prove.chaos`: everything is struck, again and again, while entries pour in."""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg
import click

from tests.prove import growth, recovery
from tests.prove.crew import Crew
from tests.prove.feeder import BATCH, Feeder
from tests.prove.place import Place, prepare
from tests.prove.report import Report, times
from tests.prove.strikes import Strikes
from tests.prove.subject import SERVICE
from tests.prove.trial import all_counted
from tests.prove.worker import LEASE
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.management import version
from tests.servers.server import PostgresServer, RabbitMQServer
from tests.servers.supply import Supply

WORKERS: Final = 2
_CATCH_UP_SECONDS: Final = 3_600.0
_PACE: Final = 0.7
"""The pauses between batches take this part of the run; publishing takes the rest."""


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
    150,  # with what comes before and after it, three minutes
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


async def run(
    course: Course, rabbitmq: RabbitMQServer, postgres: PostgresServer, directory: Path, guard: Guard
) -> Report:
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
    click.echo(f"{feeder.entries:,} events are counted; the checker is at work", err=True)
    samples = [sample for member in crew.members for sample in member.sizes]
    return Report(
        await place.judged(),
        ended,
        course.strikes,
        strikes.seconds,
        growth.most(samples),
        growth.by_part(crew.members[0].sizes),
        feeder.repeats,
        await _where(place),
    )


async def _stand(course: Course, feeder: Feeder, strikes: Strikes, place: Place) -> None:
    over = asyncio.Event()
    feeding = asyncio.create_task(
        feeder.pour(course.entries, over, pause=_PACE * BATCH * course.seconds / course.entries)
    )
    try:
        await recovery.moves_again(place, recovery.NOTHING, recovery.MOVING)
        await _strike(course, strikes)
        click.echo(f"all struck\n\n{times(course.strikes, strikes.seconds)}", err=True)
        over.set()
        await feeding
    finally:
        if feeding.done():
            feeding.result()  # where the feeder has failed, that is why nothing moves
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


async def _where(place: Place) -> str:
    """The servers' versions, and how busy the machine was."""
    rabbitmq = await asyncio.to_thread(version, place.rabbitmq)
    database = await asyncpg.connect(place.postgres)
    postgres = await database.fetchval("SELECT current_setting('server_version_num')::int")
    await database.close()
    return (
        f"RabbitMQ {rabbitmq}, PostgreSQL {postgres // 10_000}.{postgres % 10_000}, leases of {LEASE:g} s, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.0f}"
    )


@click.command()
@click.option("--short", is_flag=True, help="The part that `make test` runs.")
@click.option("--seed", default=0, help="For other strikes in another order.")
@click.option("--write", is_flag=True, help="Write the report into docs/reliability.md, where it is a proof.")
def main(short: bool, seed: int, write: bool) -> None:
    """Strike workers, network, broker and database for a quarter of an hour."""
    logging.disable(logging.CRITICAL)  # aiormq tells of every connection that breaks
    course = SHORT if short else LONG
    course = Course(course.seconds, course.entries, course.strikes, seed)
    guard = Guard()
    try:
        with Supply() as supply, TemporaryDirectory() as directory:
            servers = supply.own_rabbitmq(), supply.own_postgres()
            report = asyncio.run(run(course, *servers, Path(directory), guard))
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        guard.close()
    click.echo(report.told())
    if not report.proves:
        raise click.ClickException("this is no proof")
    if write:
        report.write()


if __name__ == "__main__":
    main()
