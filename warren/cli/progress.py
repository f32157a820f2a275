"""How far a long command is: a bar on a terminal, a line for each percent elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
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
from rich.text import Text

Report = Callable[[int], None]
"""Told how many are done."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Report]:
    """Shows on stderr how many of `total` are done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(what, total, time.monotonic)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


class Lines:
    """`1,200 of 20,000 orders, 480/s`, once for each percent."""

    def __init__(self, what: str, total: int, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._what = what
        self._total = total
        self._clock = clock
        self._began = clock()
        self._next = 0.0

    def __call__(self, done: int) -> None:
        """Told how many are done."""
        if done < self._next:
            return
        self._next = (done * 100 // self._total + 1) * self._total / 100
        speed = done / max(self._clock() - self._began, 1e-9)
        click.echo(f"{done:,} of {self._total:,} {self._what}, {speed:,.0f}/s", err=True)


class _Speed(ProgressColumn):
    """So many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")
