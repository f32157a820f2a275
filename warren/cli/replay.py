"""`warren replay`: real orders through the whole pipeline, held against the data they came from."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import uvloop
from rich.console import Console
from rich.table import Table

from agents.payments.seal import seal
from streams.status import Status
from warren.cli.progress import progress
from warren.garbage import fit_collector
from warren.logs import configure
from warren.replay.dataset import CURRENCY, baskets, products
from warren.replay.goods import DELIVERY
from warren.replay.run import Replay, Result
from warren.replay.tables import Tables
from warren.sealing import seal_keys
from warren.settings import Settings, load_settings
from warren.system import System, open_system

ALL = 155_848
"""Baskets in the data set."""
PATIENCE = 86_400.0
"""Seconds that orders wait for answers where the replay runs the agents: nobody wants for these goods, and on a machine
that is slow, or down for a minute, an order must not be rejected that the data has."""


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

    Orders wait a day for answers here. Workers elsewhere need WARREN_PATIENCE=86400: they reject an order that the
    inventory does not answer in 30 s, and a year of orders in minutes is a queue.

    \b
    Examples:
      warren replay completejourney --orders 2000
      warren replay completejourney --rate 500 --json | jq .tables.revenue
    """
    settings = load_settings().model_copy(update={"patience": PATIENCE})
    configure("warning" if settings.log_level == "info" else settings.log_level, settings.log_format)
    if settings.embedded and not agents:
        raise click.UsageError("the embedded broker lives in one process: without RabbitMQ the agents run here")
    result, statuses = uvloop.run(_replay(settings, orders, rate, agents=agents))
    _print_json(result, statuses) if as_json else _print(result)
    if result.differences:
        raise click.exceptions.Exit(1)


async def _replay(
    settings: Settings, orders: int | None, rate: float | None, *, agents: bool
) -> tuple[Result, list[Status]]:
    """The result, and how the agents of this process did."""
    fit_collector()
    with seal.keyed(seal_keys(settings)):
        return await _run(settings, orders, rate, agents=agents)


async def _run(
    settings: Settings, orders: int | None, rate: float | None, *, agents: bool
) -> tuple[Result, list[Status]]:
    async with open_system(settings) as system, _agents_of(system, wanted=agents) as statuses:
        replay = Replay(system.publisher("gateway"), system.broker, Tables(system.views), rate=rate)
        await replay.supply(await asyncio.to_thread(products, orders, whole=DELIVERY))
        with progress("orders", orders or ALL) as report:
            report(0)
            return await replay.run(baskets(orders), report), statuses


@asynccontextmanager
async def _agents_of(system: System, *, wanted: bool) -> AsyncIterator[list[Status]]:
    """While the context lasts, agents run in this process, if that is wanted. Gives what they tell of themselves."""
    if not wanted:
        yield []
        return
    worker = system.worker()
    await worker.start()
    try:
        yield worker.status()
    finally:
        await worker.stop()


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


def _print_json(result: Result, statuses: list[Status]) -> None:
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
        "agents": {f"{status.service}/{status.agent}": _counts(status) for status in statuses},
        "differences": result.differences,
    }
    click.echo(json.dumps(answer, indent=2))


def _counts(status: Status) -> dict[str, int]:
    return {name: getattr(status, name) for name in ("handled", "repeats", "dead", "retried", "sent", "commits")}
