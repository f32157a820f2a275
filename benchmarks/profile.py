"""Where the time of a subject goes: py-spy's samples of one trial, summed up by module, line and function.

Needs the right to trace the processes one starts, which containers may lack (`--cap-add SYS_PTRACE`).
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.catalogue import Entry
from benchmarks.runner import in_process
from benchmarks.scene import Scene
from benchmarks.trial import Result

RECORD = ("record", "--rate", "500", "--format", "raw", "--output")
SHOWN = 30
OUTSIDE = ("<frozen importlib", "prepare (", "fit_collector (", "check (", "close (")
"""Frames of what happens before the clock starts and after it stops."""

Stack = Sequence[str]


async def profile(entry: Entry, scene: Scene) -> str:
    """Run a trial under py-spy and say where its time went. Raises TrialFailed."""
    with tempfile.TemporaryDirectory(prefix="warren-bench-") as directory:
        samples = Path(directory) / "samples.txt"
        py_spy = str(Path(sys.executable).with_name("py-spy"))
        result = await in_process(entry, scene, prefix=[py_spy, *RECORD, str(samples), "--"])
        return "\n".join((*_summary(entry, result), "", *hottest(samples.read_text())))


def hottest(samples: str) -> Iterator[str]:
    """Tables of where samples in py-spy's raw format are, while the clock ran."""
    lines, modules, functions = Counter[str](), Counter[str](), Counter[str]()
    for stack, number in _read(samples):
        lines[stack[-1]] += number
        modules[_module(stack[-1])] += number
        functions.update(dict.fromkeys(map(_function, stack), number))
    total = sum(lines.values())
    yield from _table("module, itself", modules, total)
    yield from _table("line, itself", lines, total)
    yield from _table("function, with its calls", functions, total)


def _read(samples: str) -> Iterator[tuple[Stack, int]]:
    """A line holds the frames, outermost first and separated by `;`, and then the number of samples."""
    for line in samples.splitlines():
        frames, _, number = line.rpartition(" ")
        if frames and not any(mark in frames for mark in OUTSIDE):
            yield tuple(frames.split(";")), int(number)


def _summary(entry: Entry, result: Result) -> Iterator[str]:
    yield f"{entry.name}: {result.count:,} events in {result.seconds:.2f} s under py-spy, {result.rate:,.0f}/s"
    for name, spent in (("itself", result.cpu), ("RabbitMQ", result.rabbitmq_cpu), ("PostgreSQL", result.postgres_cpu)):
        if spent is None:
            yield f"CPU of {name}: not to be seen from here"
        else:
            each = spent / result.count * 1e6
            yield f"CPU of {name}: {spent:.2f} s, {spent / result.seconds:.0%} of one core, {each:.2f} µs an event"
    yield f"peak memory: {result.memory / 1e6:.0f} MB"


def _table(title: str, counter: Counter[str], total: int) -> Iterator[str]:
    yield f"| share | {title} |"
    yield "|--:|---|"
    yield from (f"| {number / total:.1%} | {what} |" for what, number in counter.most_common(SHOWN))
    yield ""


def _module(frame: str) -> str:
    return frame.partition(" (")[2].rpartition(":")[0]


def _function(frame: str) -> str:
    """A frame is `function (file:line)`."""
    return frame.rpartition(":")[0] + ")"
