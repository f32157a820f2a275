"""`python -m tests.prove.matrix [NAME…]`: every crash point in every way, several at a time."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from tests.prove.place import place_on
from tests.prove.points import POINTS
from tests.prove.spring import WAYS
from tests.prove.trial import Trial
from tests.prove.verdict import Verdict
from tests.servers.address import RabbitMQ
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.supply import Supply

ALL: Final = tuple(Trial(point, way) for point in POINTS for way in WAYS)
_AT_ONCE: Final = 5


class Matrix:
    """Trials on shared servers, each at a place of its own."""

    def __init__(self, rabbitmq: RabbitMQ, postgres: str, guard: Guard, report: Callable[[str], None]) -> None:
        """`report` is told of each trial that failed, when it did."""
        self._rabbitmq = rabbitmq
        self._postgres = postgres
        self._guard = guard
        self._report = report
        self.verdicts: dict[Trial, Verdict] = {}
        self.failures: dict[Trial, str] = {}
        """What went wrong, where something did."""

    async def run(self, trials: Iterable[Trial], directory: Path) -> None:
        """Run them all; what becomes of them stands in `verdicts` and `failures`."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(trial: Trial) -> None:
            async with turn:
                await self._run(trial, directory)

        await asyncio.gather(*(one(trial) for trial in trials))

    async def _run(self, trial: Trial, directory: Path) -> None:
        try:
            async with place_on(self._rabbitmq, self._postgres, directory) as place:
                verdict = await trial.run(place, self._guard)
        except AssertionError as failure:
            self._fail(trial, str(failure))
            return
        self.verdicts[trial] = verdict
        if not verdict.clean:
            self._fail(trial, str(verdict))

    def _fail(self, trial: Trial, failure: str) -> None:
        self.failures[trial] = failure
        self._report(f"FAILED {trial}: {failure}")

    def told(self) -> str:
        """In a few lines."""
        verdicts = self.verdicts.values()
        lines = [
            f"{len(self.verdicts) + len(self.failures.keys() - self.verdicts.keys())} trials, "
            f"{sum(v.events for v in verdicts):,} events: lost {sum(v.lost for v in verdicts)}, "
            f"counted twice {sum(v.twice for v in verdicts)}, out of order {sum(v.disorder for v in verdicts)}, "
            f"unexplained {sum(v.unexplained for v in verdicts)}; "
            f"{sum(v.wire_duplicates for v in verdicts):,} duplicates on the wire",
        ]
        return "\n".join(lines)


@click.command()
@click.argument("names", nargs=-1)
def main(names: Sequence[str]) -> None:
    """Strike workers at every point in every way, or only where NAMES say (`commit.after-kill`, `commit`, `stop`)."""
    guard = Guard()
    trials = [trial for trial in ALL if not names or any(name in str(trial) for name in names)]
    try:
        with Supply() as supply, TemporaryDirectory() as directory:
            matrix = Matrix(supply.rabbitmq, supply.postgres, guard, click.echo)
            asyncio.run(matrix.run(trials, Path(directory)))
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        guard.close()
    click.echo(matrix.told())
    sys.exit(bool(matrix.failures))


if __name__ == "__main__":
    main()
