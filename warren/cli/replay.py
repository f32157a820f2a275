"""`warren replay`: real orders through the whole pipeline, held against the data they came from."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import uvloop
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from warren.logs import configure
from warren.replay.dataset import CURRENCY, baskets
from warren.replay.run import Replay, Result
from warren.replay.tables import Tables
from warren.settings import Settings, load_settings
from warren.system import System, open_system

ALL = 155_848
"""Baskets in the data set."""


@click.group()
def replay() -> None:
    """Send recorded orders through the pipeline and compare the figures.

    \b
    Examples:
      warren replay completejourney --orders 2000      a first taste, with no server
      warren replay completejourney                    all 155,848 orders of a year
      warren replay completejourney --no-agents        workers run elsewhere
    """


@replay.command()
@click.option("--orders", type=click.IntRange(1, ALL), help="How many of the data set's orders. [default: all]")
@click.option("--rate", type=click.FloatRange(min=0.1), help="Most orders a second. [default: as fast as can be]")
@click.option("--agents/--no-agents", default=True, help="Run the agents in this process, or leave them to workers.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def completejourney(orders: int | None, rate: float | None, agents: bool, as_json: bool) -> None:
    """Replay a year of baskets of 2,469 households, each as one order.

    A second replay adds nothing. Exit status 1 where any figure differs from the data's.
    """
    settings = load_settings()
    configure("warning" if settings.log_level == "info" else settings.log_level, settings.log_format)
    if settings.embedded and not agents:
        raise click.UsageError("the embedded broker lives in one process: without RabbitMQ the agents run here")
    result = uvloop.run(_replay(settings, orders, rate, agents=agents))
    _print_json(result) if as_json else _print(result)
    if result.differences:
        raise click.exceptions.Exit(1)


async def _replay(settings: Settings, orders: int | None, rate: float | None, *, agents: bool) -> Result:
    async with open_system(settings) as system, _agents_of(system, wanted=agents):
        replay = Replay(system.publisher("gateway"), system.broker, Tables(system.views), rate=rate)
        with _progress() as bar:
            task = bar.add_task("orders", total=orders or ALL)
            return await replay.run(baskets(orders), lambda done: bar.update(task, completed=done))


@asynccontextmanager
async def _agents_of(system: System, *, wanted: bool) -> AsyncIterator[None]:
    if not wanted:
        yield
        return
    worker = system.worker()
    await worker.start()
    try:
        yield
    finally:
        await worker.stop()


class _Speed(ProgressColumn):
    """Orders a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def _print(result: Result) -> None:
    console = Console(file=sys.stdout)
    table = Table(title="The Complete Journey")
    for heading in ("figure", "in the tables", "in the data"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    found, wanted = result.found, result.wanted
    table.add_row("orders", f"{found.orders:,}", f"{wanted.orders:,}")
    table.add_row("lines", f"{found.lines:,}", f"{wanted.lines:,}")
    table.add_row(f"revenue ({CURRENCY})", f"{found.revenue:,}", f"{wanted.revenue:,}")
    table.add_row("days with revenue", f"{len(found.days):,}", f"{len(wanted.days):,}")
    for state in sorted({*found.states, *wanted.states}):
        table.add_row(f"orders {state}", f"{found.states[state]:,}", f"{wanted.states[state]:,}")
    console.print(table)
    stages = ", ".join(f"{name} {speed:,.0f}/s" for name, speed in result.stages.items())
    console.print(f"{result.elapsed:,.1f} s; {stages}")
    different = result.differences
    console.print("every figure equals the data's" if not different else "\n".join(["DIFFERENT:", *different]))


def _print_json(result: Result) -> None:
    def figures(of: str) -> dict[str, object]:
        part = result.found if of == "found" else result.wanted
        return {
            "orders": part.orders,
            "lines": part.lines,
            "revenue": str(part.revenue),
            "days": {str(day): str(amount) for day, amount in sorted(part.days.items())},
            "states": dict(part.states),
        }

    answer = {
        "tables": figures("found"),
        "data": figures("wanted"),
        "elapsed": round(result.elapsed, 3),
        "perSecond": {name: round(speed, 1) for name, speed in result.stages.items()},
        "differences": result.differences,
    }
    click.echo(json.dumps(answer, indent=2))
