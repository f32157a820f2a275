"""`python -m tests.shop.prove`: tens of thousands of orders, lived, simulated and struck, all invariants checked."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from typing import Final

import click
import structlog

from tests.servers.errors import ServerUnavailable
from tests.shop.course import LONG
from tests.shop.parts import LIFE, Part, hypothesis, judged, life, servers, simulation
from tests.shop.proof import Proof
from warren.cli.progress import progress

WORKS: Final[Mapping[str, Callable[[int], Part]]] = {
    "hypothesis": hypothesis,
    "life": life,
    "simulation": simulation,
    "servers": servers,
}
POLITE: Final = 10
"""How nice those are who have no clock to keep to: servers are struck meanwhile."""


def proved(counts: Mapping[str, int], first: int, told: Callable[[Part], None]) -> Proof:
    """Do the work, so often each, with seeds from `first` on; servers are struck while the rest is lived beside them.
    Raises ServerUnavailable."""
    began, parts = time.monotonic(), dict.fromkeys(counts, Part())
    with ExitStack() as stack:
        struck = stack.enter_context(ThreadPoolExecutor(1))
        context = multiprocessing.get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count(), context, _polite))
        stack.callback(pool.shutdown, cancel_futures=True)
        jobs: dict[Future[Part], str] = {}
        for name in sorted(counts, key="servers".__ne__):
            place = struck if name == "servers" else pool
            for number in range(first, first + counts[name]):
                jobs[place.submit(judged, WORKS[name], number)] = name
        for job in as_completed(jobs):
            parts[jobs[job]] += job.result()
            told(sum(parts.values(), Part()))
    return Proof({name: parts[name] for name in counts}, time.monotonic() - began)


def _quiet() -> None:
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _polite() -> None:
    _quiet()
    os.nice(POLITE)


@click.command()
@click.option("--hypotheses", default=6, show_default=True, help="Runs of Hypothesis, of fifty examples each.")
@click.option("--lives", default=44, show_default=True, help=f"Lives of {LIFE:,} orders.")
@click.option("--simulations", default=80, show_default=True, help="Simulations of a few orders.")
@click.option("--first", default=0, help="The first seed.")
@click.option("--write", is_flag=True, help="Write the report into docs/reliability.md, where it is a proof.")
@click.argument("parts", nargs=-1, type=click.Choice(list(WORKS)))
def main(hypotheses: int, lives: int, simulations: int, first: int, write: bool, parts: Sequence[str]) -> None:
    """Show that every invariant of the shop holds, over fifty thousand orders in all; by default in every way."""
    _quiet()
    wanted = {"hypothesis": hypotheses, "life": lives, "simulation": simulations, "servers": 1}
    counts = {name: wanted[name] for name in parts or WORKS}
    orders = {"hypothesis": 400, "life": LIFE, "simulation": 17, "servers": LONG.ways.orders}
    expected = sum(orders[name] * times for name, times in counts.items())
    try:
        with progress("orders", expected) as report:
            proof = proved(counts, first, lambda whole: report(min(whole.orders, expected)))
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(proof.told() + proof.findings())
    if proof.whole.breaches:
        raise click.ClickException("this is no proof")
    if write and proof.holds:
        proof.write()
    elif write:
        raise click.ClickException("too few orders, or not in every way: nothing is written")


if __name__ == "__main__":
    main()
