"""What the command line means."""

from collections.abc import Sequence

import pytest

from benchmarks import options
from benchmarks.catalogue import CATALOGUE, Entry
from benchmarks.runner import turns


def names(entries: Sequence[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def test_without_names_everything_is_measured() -> None:
    assert names(options.parse([]).entries) == [entry.name for entry in CATALOGUE]


def test_a_name_is_a_benchmark_or_one_subject() -> None:
    assert names(options.parse(["queue/aio-pika", "publishing"]).entries) == [
        "queue/aio-pika",
        "publishing/warren",
        "publishing/aiormq",
    ]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(["counting/kafka"])
    assert "counting/kafka" in capsys.readouterr().err


def test_numbers_that_make_no_sense_are_refused() -> None:
    for wrong in (["--runs", "0"], ["--events", "-5"]):
        with pytest.raises(SystemExit):
            options.parse(wrong)


def test_quick_is_one_short_run_unless_told_otherwise() -> None:
    quick = options.parse(["--quick"])
    assert (quick.runs, quick.events) == (1, options.QUICK_EVENTS)
    assert options.parse(["--quick", "--runs", "3"]).runs == 3


def test_profiling_is_of_the_stateful_agent_unless_told_otherwise() -> None:
    assert names(options.parse(["--profile"]).entries) == [options.PROFILED]


def test_each_round_begins_with_another_subject() -> None:
    entries = [Entry("b", name, "", "", "") for name in "xyz"]
    assert ["".join(e.subject for e in turns(entries, number)) for number in range(4)] == ["xyz", "yzx", "zxy", "xyz"]


def test_a_subject_that_runs_once_is_in_the_first_round_alone() -> None:
    entries = [Entry("b", "x", "", "", ""), Entry("b", "y", "", "", "", once=True)]
    assert [[e.subject for e in turns(entries, number)] for number in range(2)] == [["x", "y"], ["x"]]


def test_slow_subjects_get_fewer_events() -> None:
    assert Entry("b", "x", "", "", "", share=0.25).events(200) == 50
    assert Entry("b", "x", "", "", "", share=0.25).events(1) == 1
