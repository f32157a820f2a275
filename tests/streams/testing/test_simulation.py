"""The simulation: the engine stands it, it can be repeated, and it finds what is wrong."""

import os
import subprocess
import sys

import pytest

from streams.testing import Result, campaign, simulate
from streams.testing.shop import scenario
from tests.streams.testing.leaky import scenario as leaky
from tests.streams.testing.regrouped import scenario as regrouped

SEEDS = int(os.environ.get("WARREN_TEST_SEEDS", "2000"))


@pytest.mark.timeout(900)
def test_whatever_goes_wrong_every_event_counts_once_and_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # counting lines would triple the time
    result = Result()
    for result in campaign("streams.testing.shop:scenario", range(SEEDS)):
        assert not result.failed, f"`python -m streams.testing --seed {next(iter(result.failed))}` shows how"
    figures = result.figures
    assert result.seeds == SEEDS
    assert figures.wire_duplicates > SEEDS, "the faults have to bite"
    assert min(figures.kills, figures.stalls, figures.faults) > SEEDS / 3


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in (1, 2, 3):
        first, second = simulate(scenario(), seed), simulate(scenario(), seed)
        assert list(first.trace.lines()) == list(second.trace.lines())
        assert first.figures == second.figures


def test_a_seed_can_be_replayed_in_another_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    command = [sys.executable, "-m", "streams.testing", "--seed", "5"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    run = simulate(scenario(), 5)
    assert told[:-1] == list(run.trace.lines())
    assert run.trace.digest() in told[-1]


def test_different_seeds_give_different_traces() -> None:
    assert len({simulate(scenario(), seed).trace.digest() for seed in range(5)}) == 5


def test_an_agent_that_keeps_state_outside_its_tables_is_found() -> None:
    found = {violation.kind for seed in range(5) for violation in simulate(leaky(), seed).violations}
    assert found == {"wrong"}


def test_an_agent_that_regroups_its_stream_can_be_simulated() -> None:
    runs = [simulate(regrouped(), seed) for seed in range(20)]
    assert [run.violations for run in runs] == [[]] * len(runs)
    assert sum(run.figures.kills for run in runs) > 0


def test_a_scenario_that_does_not_exist_is_named() -> None:
    command = [sys.executable, "-m", "streams.testing", "--scenario", "no.such:scenario"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "no scenario 'no.such:scenario'" in told.stderr
