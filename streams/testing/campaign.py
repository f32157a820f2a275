"""Many simulations, over all cores."""

import gc
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pkgutil import resolve_name

from streams.errors import DeclarationError
from streams.testing.scenario import Scenario
from streams.testing.simulation import simulate
from streams.testing.verdict import Figures

AT_ONCE = 10
"""Seeds that a process is given at a time."""
GARBAGE = 100_000
"""Objects between looks for cycles: a simulation is over before it makes many more, and then all of it is one."""


@dataclass(slots=True)
class Result:
    """What many simulations have come to."""

    seeds: int = 0
    figures: Figures = field(default_factory=Figures)
    failed: dict[int, list[str]] = field(default_factory=dict)
    """Seed → what must not have been."""

    def __add__(self, other: "Result") -> "Result":
        return Result(self.seeds + other.seeds, self.figures + other.figures, {**self.failed, **other.failed})


def named(name: str) -> Scenario:
    """The scenario of that name, `module:object`: a Scenario, or a function that makes one. Raises DeclarationError."""
    try:
        found = resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise DeclarationError(f"no scenario {name!r} ({error}): name it as module:object") from error
    made = found if isinstance(found, Scenario) else found()
    if not isinstance(made, Scenario):
        raise DeclarationError(f"{name!r} is a {type(made).__name__}, not a streams.testing.Scenario")
    return made


def run_seeds(scenario: str, seeds: Sequence[int]) -> Result:
    """Simulate these seeds in this process."""
    wanted = named(scenario)
    result = Result()
    for seed in seeds:
        run = simulate(wanted, seed)
        result += Result(1, run.figures, {seed: [str(v) for v in run.violations]} if run.violations else {})
    return result


def campaign(scenario: str, seeds: Sequence[int], *, processes: int | None = None) -> Iterator[Result]:
    """Simulate these seeds in several processes, by default one for each core. Gives the sum so far, ever again."""
    result = Result()
    for part in _alone(scenario, seeds) if processes == 1 else _together(scenario, seeds, processes or os.cpu_count()):
        result += part
        yield result


def _alone(scenario: str, seeds: Sequence[int]) -> Iterator[Result]:
    for seed in seeds:
        yield run_seeds(scenario, [seed])


def _together(scenario: str, seeds: Sequence[int], processes: int | None) -> Iterator[Result]:
    remaining = iter(seeds)
    groups = list(iter(lambda: list(islice(remaining, AT_ONCE)), []))
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), gc.set_threshold, (GARBAGE,))
    try:
        yield from pool.map(partial(run_seeds, scenario), groups)
    finally:
        pool.shutdown(cancel_futures=True)
