"""Where a copy of the source is broken, and a part of the suite run over it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.prove.mutants.catalogue import Mutant

ROOT = Path(__file__).parents[3]
PARTS = ("agents", "stores", "streams", "tests", "topology", "warren", "api", "deploy")
PATIENCE = 900
"""Seconds that a part of the suite may take; one that hangs has noticed too."""
FAILED = 1
"""What pytest and the simulation end with if they find something wrong; anything else is an accident."""


class DoesNotApply(Exception):
    """The source no longer has the text that the mutant breaks exactly once: find the rule's new place."""

    def __init__(self, mutant: Mutant, times: int) -> None:
        super().__init__(f"{mutant.name}: {mutant.path} has {times} times the text\n{mutant.old}\n{self.__doc__}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant, or of the source as it is."""

    noticed: bool
    seconds: float
    told: str
    """What the suite said last."""


def broken(mutant: Mutant, source: str) -> str:
    """The source with the mutant's patch. Raises DoesNotApply."""
    times = source.count(mutant.old)
    if times != 1:
        raise DoesNotApply(mutant, times)
    return source.replace(mutant.old, mutant.new)


@contextmanager
def copy_of_the_source() -> Iterator[Path]:
    """A copy of everything that runs."""
    with tempfile.TemporaryDirectory(prefix="warren-mutant-") as name:
        place = Path(name)
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, place / part)  # with what is compiled: only the mutant is compiled anew
        shutil.copy(ROOT / "pyproject.toml", place)
        yield place


def tried(mutant: Mutant) -> Verdict:
    """Break a copy of the source, and see whether it is noticed."""
    with copy_of_the_source() as place:
        target = place / mutant.path
        target.write_text(broken(mutant, target.read_text()))
        return run(mutant.noticed_by, place)


def run(command: tuple[str, ...], place: Path) -> Verdict:
    """Run a part of the suite over the source in a place. Raises RuntimeError where it cannot be run."""
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_"))}
    try:
        ended = subprocess.run(
            [sys.executable, *command],
            cwd=place,
            env={**environment, "PYTHONPATH": str(place), "WARREN_TEST_SEEDS": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict(True, PATIENCE, "it hangs")
    told = ended.stdout.strip().splitlines()
    if ended.returncode not in {0, FAILED} or "Traceback" in ended.stderr:
        raise RuntimeError(f"{' '.join(command)} could not be run: {ended.stdout[-800:]}{ended.stderr[-800:]}")
    return Verdict(ended.returncode == FAILED, time.monotonic() - began, _finding(told))


def _finding(told: list[str]) -> str:
    """The line that says what was noticed: a failed test, or a simulation's first violation."""
    for line in told:
        if line.startswith("FAILED"):
            return line.removeprefix("FAILED ").split(" - ")[0]
    for number, line in enumerate(told[:-1]):
        if line.startswith("seed ") and line.endswith(":"):
            return f"{line} {told[number + 1].strip()}"
    return told[-1] if told else ""
