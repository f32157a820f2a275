"""Simulate a scenario under many seeds, or replay one seed with its trace.

\b
python -m streams.testing                       # 200 seeds of the built-in shop
python -m streams.testing --seeds 10000
python -m streams.testing --seed 4711           # one seed, told step by step
python -m streams.testing --scenario shop.simulation:scenario
"""

import sys
import time
from dataclasses import asdict

import click

from streams.errors import DeclarationError
from streams.testing.campaign import Result, campaign, named
from streams.testing.simulation import simulate


@click.command(help=__doc__, context_settings={"show_default": True})
@click.option("--seeds", default=200, help="How many seeds.")
@click.option("--first", default=0, help="The first of them.")
@click.option("--seed", type=int, help="Run this one alone, and print its trace.")
@click.option(
    "--scenario", default="streams.testing.shop:scenario", help="module:object, a Scenario or what makes one."
)
@click.option("--processes", type=int, help="How many at once; one for each core by default.")
@click.option("--stop", is_flag=True, help="End as soon as one fails.")
def main(seeds: int, first: int, seed: int | None, scenario: str, processes: int | None, stop: bool) -> None:
    """See the module's text."""
    try:
        named(scenario)
    except DeclarationError as error:
        raise click.ClickException(str(error)) from error
    if seed is not None:
        sys.exit(_replay(scenario, seed))
    began, result = time.monotonic(), Result()
    for result in campaign(scenario, range(first, first + seeds), processes=processes):
        click.echo(f"\r{result.seeds:,} seeds, {len(result.failed)} failed", nl=False, err=True)
        if stop and result.failed:
            break
    click.echo(err=True)
    _report(result, time.monotonic() - began)
    sys.exit(bool(result.failed))


def _replay(scenario: str, seed: int) -> int:
    run = simulate(named(scenario), seed)
    for line in run.trace.lines():
        click.echo(line)
    for violation in run.violations:
        click.echo(f"seed {seed}: {violation}")
    click.echo(f"seed {seed}: {len(run.trace)} lines, trace {run.trace.digest()}, {len(run.violations)} violations")
    return bool(run.violations)


def _report(result: Result, seconds: float) -> None:
    for seed, violations in sorted(result.failed.items()):
        click.echo(f"seed {seed}:")
        for violation in violations[:5]:
            click.echo(f"  {violation}")
    figures = {"seeds": result.seeds, **asdict(result.figures), "failed": len(result.failed)}
    for name, count in figures.items():
        click.echo(f"{name.replace('_', ' '):16}{count:>12,}")
    click.echo(f"{'seconds':16}{seconds:>12,.1f}")


if __name__ == "__main__":
    main(prog_name="python -m streams.testing")
