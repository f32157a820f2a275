"""The command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.catalogue import CATALOGUE, Entry, find

EVENTS, RUNS, BUDGET = 200_000, 5, 18 * 60.0
QUICK_EVENTS, QUICK_RUNS = 20_000, 1
PROFILED = "counting/warren-lanes"


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure."""

    entries: Sequence[Entry]
    events: int
    runs: int
    budget: float
    """Seconds."""
    json: bool
    profile: bool


def parse(arguments: Sequence[str]) -> Options:
    """Raises SystemExit for wrong usage and for --help."""
    parser = _parser()
    given = parser.parse_args(arguments)
    names = given.name or ([PROFILED] if given.profile else [entry.benchmark for entry in CATALOGUE])
    unknown = [name for name in names if not find(name)]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}: see --help for the names")
    events, runs = (QUICK_EVENTS, QUICK_RUNS) if given.quick else (EVENTS, RUNS)
    wanted = {entry.name for name in names for entry in find(name)}
    return Options(
        entries=[entry for entry in CATALOGUE if entry.name in wanted],
        events=given.events or events,
        runs=given.runs or runs,
        budget=BUDGET,
        json=given.json,
        profile=given.profile,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Warren and its peers by turns, on RabbitMQ and PostgreSQL (see docs/benchmarks.md).",
        epilog="names: " + ", ".join(entry.name for entry in CATALOGUE) + "; or what stands before the slash",
    )
    parser.add_argument("name", nargs="*", help="what to measure (default: everything)")
    parser.add_argument("--runs", type=_positive, help=f"runs of each subject (default: {RUNS})")
    parser.add_argument("--events", type=_positive, help=f"events in a log; queues get fewer (default: {EVENTS:,})")
    parser.add_argument("--quick", action="store_true", help=f"one run of {QUICK_EVENTS:,} events: does it work?")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--profile", action="store_true", help=f"show where the time goes (default: in {PROFILED})")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number
