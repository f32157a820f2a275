"""The report on a run of chaos."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.prove.feeder import BATCH
from tests.prove.growth import by_part, most
from tests.prove.report import BEGIN, END, PAGE, Report
from tests.prove.verdict import Verdict

REPORT = Report(
    Verdict(events=1_000, wire_duplicates=3 * BATCH),
    90.0,
    {"broker killed": 2, "worker frozen": 1},
    {"broker killed": [7.0, 3.0, 4.0], "broker killed: from when it takes connections": [1.0]},
    {"rows": 9},
    {"rows": [1, 2, 3, 4, 5]},
    repeats=2,
    where="a machine",
)


def test_what_is_held_is_told_by_the_part_of_its_life_and_at_most() -> None:
    samples = [(second, {"rows": second % 6}) for second in range(100, 110)]
    assert most(samples) == {"rows": 5}
    assert by_part(samples) == {"rows": [5, 1, 3, 5, 1]}


def test_parts_in_which_a_worker_said_nothing_have_what_the_part_before_had() -> None:
    assert by_part([(0.0, {"rows": 7}), (10.0, {"rows": 1})]) == {"rows": [7, 7, 7, 7, 1]}


def test_a_worker_that_never_said_anything_has_no_parts() -> None:
    assert (by_part([]), most([])) == ({}, {})


def test_it_tells_median_and_worst_of_every_strike() -> None:
    told = REPORT.told()
    assert "| broker killed | 2 | 4.0 s · 7.0 s |" in told
    assert "| broker killed: from when it takes connections |  | 1.0 s · 1.0 s |" in told
    assert "| worker frozen | 1 | – |" in told


@pytest.mark.parametrize(
    ("verdict", "proves"),
    [
        (REPORT.verdict, True),
        (replace(REPORT.verdict, lost=1), False),
        (replace(REPORT.verdict, twice=1), False),
        (replace(REPORT.verdict, wire_duplicates=2 * BATCH), False),
    ],
    ids=["clean", "lost", "counted twice", "the faults did not bite"],
)
def test_it_is_a_proof_only_where_nothing_is_wrong_and_the_faults_did_bite(verdict: Verdict, proves: bool) -> None:
    assert replace(REPORT, verdict=verdict).proves is proves


def test_it_takes_the_place_of_the_report_before_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    for events in (1_000, 2_000):
        replace(REPORT, verdict=replace(REPORT.verdict, events=events)).write(page)
    old, new = PAGE.read_text(), page.read_text()
    assert "2,000 events" in new
    assert "1,000 events" not in new
    assert (new.split(BEGIN)[0], new.split(END)[1]) == (old.split(BEGIN)[0], old.split(END)[1])
