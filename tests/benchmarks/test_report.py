"""Summing up trials."""

import msgspec
import pytest

from benchmarks import catalogue, report
from benchmarks.load import Load
from benchmarks.machine import machine
from benchmarks.report import Report
from benchmarks.servers import Servers
from benchmarks.trial import Result


def result(seconds: float, *, count: int = 1_000, postgres_cpu: float | None = 0.5) -> Result:
    return Result(
        count=count, seconds=seconds, memory=50_000_000, cpu=0.25, rabbitmq_cpu=None, postgres_cpu=postgres_cpu
    )


def line(name: str, *seconds: float) -> report.Line:
    (entry,) = catalogue.find(name)
    return report.line(entry, [result(each) for each in seconds])


def test_a_line_has_the_median_the_slowest_and_the_fastest_run() -> None:
    found = line("counting/faust", 1.0, 0.1, 0.5)
    assert (found.rate, found.slowest, found.fastest) == (2_000, 1_000, 10_000)


def test_cpu_is_told_for_a_million_events() -> None:
    assert line("counting/faust", 1.0).postgres_cpu == pytest.approx(500)


def test_cpu_that_cannot_be_seen_stays_unknown() -> None:
    assert line("counting/faust", 1.0).rabbitmq_cpu is None


def test_warren_is_compared_with_the_peers_that_were_measured() -> None:
    lines = [line("counting/warren-ids", 1.0), line("counting/faust", 4.0), line("queue/aio-pika", 2.0)]
    assert report.ratios(lines) == {
        "counting/warren-ids": {"queue/aio-pika": pytest.approx(2), "counting/faust": pytest.approx(4)}
    }


def test_a_subject_without_peers_has_no_ratios() -> None:
    assert report.ratios([line("counting/warren-ids", 1.0), line("publishing/aiormq", 1.0)]) == {}


def test_what_clients_found_is_told_with_medians() -> None:
    (entry,) = catalogue.find("edge/warren-single-100")
    loads = [Load(seconds=2.0, median=n / 1000, slow=n / 100, cpu=0.1, wrong=[]) for n in (9, 1, 5)]
    found = report.line(entry, [msgspec.structs.replace(result(2.0), load=load) for load in loads])
    text = made(lines=[found]).markdown()
    assert "| edge/warren-single-100 | 5.0 ms | 50.0 ms | 5% of a core |" in text


def made(**changed: object) -> Report:
    lines = [line("counting/warren-ids", 1.0), line("counting/faust", 4.0)]
    servers = Servers("3.10.8", "15.1", "on", "on", 0, 0)
    complete = Report(machine(), servers, lines, report.ratios(lines), {}, complete=True)
    return msgspec.structs.replace(complete, **changed)


def test_the_tables_show_every_subject() -> None:
    text = made().markdown()
    assert "| counting/warren-ids | Warren, the same, de-duplicated by message id | 1,000 × 1 | 1,000 |" in text
    assert "| counting/warren-ids | 4.0 |" in text


def test_what_went_wrong_is_in_the_report() -> None:
    text = made(failures={"queue/warren": "wrong result: read 5 orders"}, complete=False).markdown()
    assert "FAILED: queue/warren: wrong result: read 5 orders" in text
    assert "no time for all rounds" in text


def test_json_holds_everything() -> None:
    assert msgspec.json.decode(made().json(), type=Report) == made()
