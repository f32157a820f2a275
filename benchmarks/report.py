"""What came out, for people (Markdown) and for machines (JSON)."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import msgspec

from benchmarks.catalogue import Entry
from benchmarks.load import Load
from benchmarks.machine import Machine
from benchmarks.servers import Servers
from benchmarks.trial import Result

MB = 1_000_000
PEERS: Mapping[str, tuple[str, ...]] = {
    "counting": ("queue/faststream", "queue/aio-pika", "reading/rstream", "counting/faust"),
    "reading": ("queue/faststream", "queue/aio-pika", "reading/rstream", "counting/faust"),
    "queue": ("queue/faststream", "queue/aio-pika"),
    "publishing": ("publishing/aiormq",),
    "edge/warren-single-100": ("edge/fastapi-single-100",),
    "edge/warren-single-1000": ("edge/fastapi-single-1000",),
}
"""What Warren's subjects of a benchmark, or one of them, are compared with."""


class Line(msgspec.Struct, frozen=True):
    """One subject. Rates are events a second; CPU is seconds for each million events, medians over the runs."""

    name: str
    title: str
    events: int
    runs: int
    rate: float
    slowest: float
    fastest: float
    memory: int
    """The most bytes over all runs."""
    cpu: float
    rabbitmq_cpu: float | None
    postgres_cpu: float | None
    answers: "Answers | None" = None


class Answers(msgspec.Struct, frozen=True):
    """What HTTP clients found: medians over the runs, in seconds."""

    median: float
    slow: float
    """99 of 100 answers took no longer."""
    cpu: float
    """Of the clients, for a second of the run."""


class Report(msgspec.Struct, frozen=True):
    """Everything that one call of `python -m benchmarks` found."""

    machine: Machine
    servers: Servers
    lines: list[Line]
    ratios: dict[str, dict[str, float]]
    """Subject -> peer -> how many times as fast."""
    failures: dict[str, str]
    complete: bool

    def json(self) -> str:
        return msgspec.json.format(msgspec.json.encode(self)).decode()

    def markdown(self) -> str:
        parts = (_rates(self.lines), _answers(self.lines), _costs(self.lines), _ratios(self), _conditions(self))
        return "\n\n".join(filter(None, ("\n".join(part) for part in parts)))


def line(entry: Entry, results: Sequence[Result]) -> Line:
    """Sum up the runs of a subject."""
    rates = [result.rate for result in results]
    return Line(
        name=entry.name,
        title=entry.title,
        events=results[0].count,
        runs=len(results),
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        memory=max(result.memory for result in results),
        cpu=_for_a_million(results, [result.cpu for result in results]) or 0.0,
        rabbitmq_cpu=_for_a_million(results, [result.rabbitmq_cpu for result in results]),
        postgres_cpu=_for_a_million(results, [result.postgres_cpu for result in results]),
        answers=_found([result.load for result in results if result.load]),
    )


def _found(loads: Sequence[Load]) -> Answers | None:
    if not loads:
        return None
    return Answers(
        median(load.median for load in loads),
        median(load.slow for load in loads),
        median(load.cpu / load.seconds for load in loads),
    )


def _for_a_million(results: Sequence[Result], spent: Sequence[float | None]) -> float | None:
    known = [cpu for cpu in spent if cpu is not None]
    return median(known) / results[0].count * 1_000_000 if known else None


def ratios(lines: Sequence[Line]) -> dict[str, dict[str, float]]:
    """Warren's subjects against the peers that were measured too."""
    rates = {line.name: line.rate for line in lines}
    found: dict[str, dict[str, float]] = {}
    for name, rate in rates.items():
        benchmark, _, subject = name.partition("/")
        peers = {peer: rate / rates[peer] for peer in PEERS.get(name, PEERS.get(benchmark, ())) if peer in rates}
        if subject.startswith("warren") and peers:
            found[name] = peers
    return found


def _rates(lines: Sequence[Line]) -> Iterator[str]:
    yield "| subject | what | events × runs | median /s | min–max /s |"
    yield "|---|---|--:|--:|--:|"
    for row in lines:
        yield (
            f"| {row.name} | {row.title} | {row.events:,} × {row.runs} | {row.rate:,.0f} "
            f"| {row.slowest:,.0f}–{row.fastest:,.0f} |"
        )


def _answers(lines: Sequence[Line]) -> Iterator[str]:
    found = {row.name: row.answers for row in lines if row.answers}
    if not found:
        return
    yield "| subject | an answer took (median) | 99 of 100, at most | CPU of the clients |"
    yield "|---|--:|--:|--:|"
    for name, answers in found.items():
        yield f"| {name} | {1e3 * answers.median:.1f} ms | {1e3 * answers.slow:.1f} ms | {answers.cpu:.0%} of a core |"


def _costs(lines: Sequence[Line]) -> Iterator[str]:
    yield "| subject | peak memory | CPU seconds per million events: own | RabbitMQ | PostgreSQL |"
    yield "|---|--:|--:|--:|--:|"
    for row in lines:
        cpu = " | ".join(
            "?" if spent is None else f"{spent:.1f}" for spent in (row.cpu, row.rabbitmq_cpu, row.postgres_cpu)
        )
        yield f"| {row.name} | {row.memory / MB:.0f} MB | {cpu} |"


def _ratios(report: Report) -> Iterator[str]:
    peers = list(dict.fromkeys(peer for against in report.ratios.values() for peer in against))
    if not peers:
        return
    yield f"| times as fast as | {' | '.join(peers)} |"
    yield f"|---|{'--:|' * len(peers)}"
    for name, against in report.ratios.items():
        yield f"| {name} | {' | '.join(f'{against[peer]:.1f}' if peer in against else '' for peer in peers)} |"


def _conditions(report: Report) -> Iterator[str]:
    here, servers = report.machine, report.servers
    yield f"{here.cpus} CPUs ({here.cpu}), {here.memory / 1e9:.0f} GB, {here.system}, Python {here.python}; "
    yield (
        f"RabbitMQ {servers.rabbitmq}, PostgreSQL {servers.postgres} (fsync {servers.fsync}, synchronous_commit "
        f"{servers.synchronous_commit}), on the same machine;"
    )
    yield ", ".join(f"{name} {number}" for name, number in here.packages.items()) + "."
    if not report.complete:
        yield "There was no time for all rounds."
    for name, reason in report.failures.items():
        yield f"FAILED: {name}: {reason}"
