"""The checker sees what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.prove import ledger
from tests.prove.evidence import Evidence, Found
from tests.prove.ledger import Line
from tests.prove.subject import Sum
from tests.prove.verdict import judge

LINES = [
    Line("a", "u1", 0, 5, 3_600_000),
    Line("b", "u1", 1, 7, 7_200_000),
    Line("c", "u2", 0, 0, 3_600_001),
]


def found(offset: int, id: str, line: Line, dead_id: str = "") -> Found:
    return Found(offset, id, line.user, line.serial, dead_id)


def summed(*lines: Line) -> dict[str, int]:
    total = Sum()
    for line in lines:
        total.add(line.serial, line.amount)
    return {"count": total.count, "amount": total.amount, "chain": total.chain}


@pytest.fixture
def evidence() -> Evidence:
    """All in order."""
    a, b, c = LINES
    sums = {"u1": summed(a, b), "u2": summed(c)}
    return Evidence(
        tables={
            "sums": dict(sums),
            "tallies": dict(sums),
            "settled": {"u1": summed(a, a, b, b)},
            "hours": {"u1|1970-01-01T01:00:00Z": 5, "u1|1970-01-01T02:00:00Z": 7, "u2|1970-01-01T01:00:00Z": 0},
            "tens": {"u1/0": 12, "u2/0": 0},
            "letters": {"c": 1},
            "jobs": {"a": {"state": "done", "amount": 5}, "b": {"state": "done", "amount": 7}},
        },
        logs={
            "entries": [found(n, line.id, line) for n, line in enumerate(LINES)],
            "counted": [found(n, f"{line.id}-counted", line) for n, line in enumerate(LINES)],
            "handled": [found(n, f"{n}", line) for n, line in enumerate((b, a, a, b))],
            "dead.letters": [found(0, "letter", c, "c")],
        },
    )


def test_what_is_right_is_clean(evidence: Evidence) -> None:
    verdict = judge(LINES, evidence)
    assert verdict.clean, verdict
    assert (verdict.events, verdict.wire_duplicates) == (3, 0)


def test_repeats_on_the_wire_are_told_and_nothing_wrong(evidence: Evidence) -> None:
    evidence.logs["counted"].append(evidence.logs["counted"][0])
    verdict = judge(LINES, evidence)
    assert verdict.clean, verdict
    assert verdict.wire_duplicates == 1


def test_an_event_that_is_missing_in_a_table_is_lost(evidence: Evidence) -> None:
    evidence.tables["sums"]["u1"] = summed(LINES[0])
    assert judge(LINES, evidence).lost == 1


def test_an_event_that_was_added_twice_is_counted_twice(evidence: Evidence) -> None:
    evidence.tables["tallies"]["u1"] = summed(LINES[0], LINES[1], LINES[1])
    assert judge(LINES, evidence).twice == 1


def test_events_in_another_order_are_out_of_order(evidence: Evidence) -> None:
    evidence.tables["sums"]["u1"] = summed(LINES[1], LINES[0])
    evidence.logs["counted"].reverse()
    assert judge(LINES, evidence).disorder == 2


@pytest.mark.parametrize("table", ["hours", "tens", "jobs", "letters"])
def test_a_row_that_nothing_explains_is_unexplained(evidence: Evidence, table: str) -> None:
    evidence.tables[table]["nobody"] = 9
    assert judge(LINES, evidence).unexplained > 0


@pytest.mark.parametrize("log", ["entries", "counted", "handled", "dead.letters"])
def test_a_message_that_is_missing_in_a_log_is_lost(evidence: Evidence, log: str) -> None:
    evidence.logs[log].pop()
    assert judge(LINES, evidence).lost == 1


def test_a_message_that_nothing_explains_is_unexplained(evidence: Evidence) -> None:
    evidence.logs["counted"].append(found(9, "new", LINES[0]))
    assert judge(LINES, evidence).unexplained == 1


def test_a_ledger_reads_as_it_was_written(tmp_path: Path) -> None:
    with (tmp_path / "ledger").open("w") as file:
        ledger.write(file, LINES)
    assert list(ledger.read(tmp_path / "ledger")) == LINES


def test_the_checker_knows_nothing_of_warren() -> None:
    script = "import sys, tests.prove.checker; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"streams", "stores", "topology", "agents", "api", "warren"} & set(loaded)
