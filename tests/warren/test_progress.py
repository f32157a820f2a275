"""How far a long command is, told in lines where there is no terminal."""

import pytest

from warren.cli.progress import Lines


def test_a_line_is_written_for_each_percent(capsys: pytest.CaptureFixture[str]) -> None:
    report = Lines("orders", 20_000, iter([0.0, 1.0, 2.0, 40.0]).__next__)
    for done in (100, 150, 199, 350, 20_000):
        report(done)
    assert capsys.readouterr().err.splitlines() == [
        "100 of 20,000 orders, 100/s",
        "350 of 20,000 orders, 175/s",
        "20,000 of 20,000 orders, 500/s",
    ]
