"""Reading py-spy's samples."""

from benchmarks.profile import hottest

SAMPLES = """\
<module> (trial.py:1);run (loop.py:5);scan (scanner.py:36) 60
<module> (trial.py:1);run (loop.py:5);take (gate.py:68) 30
<module> (trial.py:1);run (loop.py:5);take (gate.py:70) 10
<module> (trial.py:1);prepare (trial.py:9);connect (net.py:1) 900
<module> (trial.py:1);_find_and_load (<frozen importlib._bootstrap>:1176) 900
"""


def test_only_what_happens_while_the_clock_runs_counts() -> None:
    text = "\n".join(hottest(SAMPLES))
    assert "net.py" not in text
    assert "importlib" not in text


def test_samples_are_summed_up_by_module_line_and_function() -> None:
    text = "\n".join(hottest(SAMPLES))
    assert "| 40.0% | gate.py |" in text
    assert "| 30.0% | take (gate.py:68) |" in text
    assert "| 100.0% | run (loop.py) |" in text


def test_no_samples_make_empty_tables() -> None:
    assert "line, itself" in "\n".join(hottest(""))
