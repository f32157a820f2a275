"""The report on a run of chaos, for the screen and for docs/reliability.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.prove import recovery
from tests.prove.feeder import BATCH
from tests.prove.growth import PARTS
from tests.prove.verdict import Verdict

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN: Final = "<!-- written by `make prove-chaos ARGS=--write` -->\n"
END: Final = "<!-- end -->\n"
_NAMES: Final = {
    "rows": "rows of tables in memory",
    "ids": "message ids (kept for 24 h of log time, at most 500,000 for each partition)",
    "numbers": "numbers of lanes",
    "tasks": "tasks",
    "objects": "objects that Python's collector knows",
    "files": "open files",
    "resident_kib": "resident memory, KiB",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What has become of a run."""

    verdict: Verdict
    seconds: float
    strikes: Mapping[str, int]
    """How often what was done."""
    recovery: Mapping[str, Sequence[float]]
    """Seconds until everything moved again."""
    most: Mapping[str, int]
    """The most that any worker has held at any time."""
    elder: Mapping[str, Sequence[int]]
    """The most that the worker that was never killed has held, in each part of the run."""
    repeats: int
    """Batches that were put in twice on purpose."""
    where: str
    """Servers, and how busy the machine was."""

    @property
    def proves(self) -> bool:
        """Whether nothing is wrong, and the faults did bite."""
        return self.verdict.clean and self.verdict.wire_duplicates > self.repeats * BATCH

    def told(self) -> str:
        """In Markdown, with whatever was found wrong."""
        parts = [self._verdict(), times(self.strikes, self.recovery), self._growth()]
        return "\n".join([*parts, *self.verdict.findings])

    def write(self, page: Path = PAGE) -> None:
        """Put it into the documentation, in place of the one before."""
        before, rest = page.read_text().split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n{self.told()}\n{END}{rest.split(END)[1]}")

    def _verdict(self) -> str:
        v = self.verdict
        return (
            f"{v.events:,} events in {self.seconds:,.0f} s ({self.where}): lost {v.lost}, counted twice {v.twice}, "
            f"out of order {v.disorder}, unexplained {v.unexplained}; {v.wire_duplicates:,} repeats on the wire, "
            f"{self.repeats * BATCH:,} of them on purpose.\n"
        )

    def _growth(self) -> str:
        head = ["what a worker held at most", *(f"part {n + 1}" for n in range(PARTS)), "any worker, ever"]
        rows = [
            [name, *(f"{n:,}" for n in self.elder[what]), f"{self.most[what]:,}"]
            for what, name in _NAMES.items()
            if what in self.elder
        ]
        return (
            "One worker was frozen and cut like the others, and never killed. What it held in each fifth of the run:\n"
            "\n" + _table(head, rows)
        )


def times(strikes: Mapping[str, int], seconds: Mapping[str, Sequence[float]]) -> str:
    """How long it took after each strike."""
    rows = []
    for name, count in strikes.items():
        rows.append([name, str(count), recovery.told(seconds.get(name, ()))])
        rows += [[other, "", recovery.told(seconds[other])] for other in seconds if other.startswith(f"{name}:")]
    return _table(["struck", "times", "moving again after, median · worst"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
