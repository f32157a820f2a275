"""Every example runs, as a reader would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PRINTS = {
    "revenue_by_day.py": "12.50\n",
    "simulated_revenue.py": "30 seeds: every payment was counted exactly once\n",
}


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_runs_and_prints_what_it_says(example: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / example)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=EXAMPLES.parent,
        env={"PYTHONPATH": str(EXAMPLES.parent), "PATH": ""},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == PRINTS[example]
