"""The benchmarks run, and every subject counts right."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.catalogue import CATALOGUE
from tests.servers.address import POSTGRES, RabbitMQ


@pytest.mark.timeout(300)
def test_every_subject_runs_and_counts_right(rabbitmq: RabbitMQ, postgres: str) -> None:
    # A thousand connections make no other subject.
    names = [entry.name for entry in CATALOGUE if entry.connections < 1_000]
    command = [sys.executable, "-m", "benchmarks", "--json", "--runs", "1", "--events", "200", *names]
    uncounted = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {**uncounted, **rabbitmq.variables(), POSTGRES: postgres}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line["name"] for line in json.loads(done.stdout)["lines"]] == names
