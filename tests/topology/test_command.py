"""`warren topology`, as it is called in a shell."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from tests.servers.address import RabbitMQ
from tests.topology.fake_api import fake_api
from warren.cli import main

_FAULTY = str(Path(__file__).parent / "faulty")
_SMALL = "service: small\nqueues:\n  small.mail: {bind: {dlx: [small.mail]}, retry: [1s], delivery-limit: 3}\n"


def _run(*arguments: str, **environ: str) -> Result:
    nowhere = dict.fromkeys(("WARREN_BROKER", "WARREN_MANAGEMENT"))
    return CliRunner(env={**nowhere, **environ}).invoke(main, ["topology", *arguments])


def _json(result: Result) -> Any:
    return orjson.loads(result.stdout)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(_SMALL, encoding="utf-8")
    return file


@pytest.fixture
def broker(rabbitmq_vhost: RabbitMQ) -> dict[str, str]:
    return {"WARREN_BROKER": rabbitmq_vhost.amqp, "WARREN_MANAGEMENT": rabbitmq_vhost.management}


# --- check, show ---


def test_the_shop_is_checked_by_default() -> None:
    result = _run("check")
    assert result.exit_code == 0
    assert result.stdout == "The topology is sound: 8 services, 9 exchanges, 6 queues, 6 logs.\n"


def test_faults_are_shown_counted_and_end_with_1() -> None:
    result = _run("check", _FAULTY)
    assert result.exit_code == 1
    assert f"{_FAULTY}/orders.yaml:2:1: error: exchange: unknown key 'exchange'" in result.stdout
    assert result.stdout.splitlines()[-1] == "39 errors, 4 warnings."


def test_faults_in_json_have_their_places() -> None:
    result = _run("check", "--json", _FAULTY)
    assert result.exit_code == 1
    answer = _json(result)
    assert answer["ok"] is False
    assert len(answer["faults"]) == 43
    assert answer["faults"][1] == {
        "severity": "error",
        "file": f"{_FAULTY}/orders.yaml",
        "line": 5,
        "column": 24,
        "path": "exchanges/order.events/type",
        "message": "there is no exchange type 'topik'; did you mean 'topic'? (known: topic, direct, fanout, headers)",
    }


def test_warnings_count_with_strict_alone(tmp_path: Path) -> None:
    file = tmp_path / "lonely.yaml"
    file.write_text("service: lonely\nexchanges: {lonely.events: {}}\n", encoding="utf-8")
    assert _run("check", str(file)).exit_code == 0
    assert _run("check", "--strict", str(file)).exit_code == 1


def test_show_prints_what_every_topology_has(small: Path) -> None:
    result = _run("show", str(small))
    assert result.exit_code == 0
    assert "  small.mail:\n    bind:\n      dlx: [small.mail]\n    retry: [1s]\n" in result.stdout
    assert "  table.changes: {type: topic}\n" in result.stdout


@pytest.mark.parametrize("command", ["check", "show", "plan", "apply"])
def test_help_has_examples(command: str) -> None:
    result = _run(command, "--help")
    assert result.exit_code == 0
    assert f"    warren topology {command}" in result.stdout


# --- plan, apply ---


def test_apply_shows_each_step_and_then_there_is_nothing_to_do(small: Path, broker: dict[str, str]) -> None:
    planned = _run("plan", "--path", str(small), **broker)
    assert planned.exit_code == 0
    assert "+ queue small.mail (x-dead-letter-exchange dlx, x-delivery-limit 3)\n" in planned.stdout
    applied = _run("apply", "--path", str(small), **broker)
    assert applied.exit_code == 0
    assert "[ 1/16] + policy warren.dead.letters (max-age 90D, max-length-bytes 5000000000)\n" in applied.stdout
    assert applied.stdout.splitlines()[-1] == "Done: 16 to create."
    again = _run("apply", "--path", str(small), **broker)
    assert (again.exit_code, again.stdout) == (0, "Nothing to do: the broker is as the topology says.\n")


def test_plan_tells_a_pipeline_by_its_status(small: Path, broker: dict[str, str]) -> None:
    assert _run("plan", "--exit-code", "--path", str(small), **broker).exit_code == 2
    assert _run("apply", "--path", str(small), **broker).exit_code == 0
    assert _run("plan", "--exit-code", "--path", str(small), **broker).exit_code == 0


def test_a_conflict_ends_with_1_and_nothing_is_changed(small: Path, broker: dict[str, str]) -> None:
    assert _run("apply", "--path", str(small), **broker).exit_code == 0
    small.write_text(_SMALL.replace("limit: 3", "limit: 4").replace("[1s]", "[1s, 5s]"), encoding="utf-8")
    planned = _run("plan", "--path", str(small), **broker)
    assert planned.exit_code == 1
    assert "! queue small.mail: x-delivery-limit is 3, the topology says 4." in planned.stdout
    refused = _run("apply", "--json", "--path", str(small), **broker)
    assert refused.exit_code == 1
    assert _json(refused)["applied"] == 0
    steps = _json(_run("plan", "--json", "--path", str(small), **broker))["steps"]
    assert {(step["action"], step["name"]) for step in steps} >= {("create", "retry.5s")}


def test_what_is_not_declared_is_named(small: Path, broker: dict[str, str]) -> None:
    assert _run("apply", "--path", str(small), **broker).exit_code == 0
    small.write_text("service: small\n", encoding="utf-8")
    result = _run("plan", "--path", str(small), **broker)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Not declared, left alone: exchange retry.1s, exchange retry.back, queue retry.1s, queue small.mail",
        "Nothing to do: the broker is as the topology says.",
    ]


def test_passwords_come_from_a_folder_or_the_environment_and_are_not_shown(
    small: Path, tmp_path: Path, broker: dict[str, str]
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "small").write_text("hush-1\n", encoding="utf-8")
    options = ["plan", "--users", "--path", str(small)]
    from_folder = _run(*options, "--secrets", str(tmp_path / "secrets"), **broker)
    from_environment = _run(*options, WARREN_PASSWORD_SMALL="hush-2", **broker)
    for result in (from_folder, from_environment):
        assert result.exit_code == 0
        assert "+ user small (password)\n" in result.stdout
        assert "hush" not in result.output
    without = _run(*options, **broker)
    assert without.exit_code == 1
    assert "Set WARREN_PASSWORD_SMALL, or put a file 'small' into the folder that --secrets names." in without.stdout


def test_secrets_without_users_are_a_mistake(small: Path, tmp_path: Path) -> None:
    result = _run("plan", "--path", str(small), "--secrets", str(tmp_path), WARREN_MANAGEMENT="http://127.0.0.1:1")
    assert "--secrets does nothing without --users" in result.stderr


def test_a_topology_with_errors_is_not_planned(broker: dict[str, str]) -> None:
    result = _run("plan", "--path", _FAULTY, **broker)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the topology files have errors\n")
    answer = _json(_run("plan", "--json", "--path", _FAULTY, **broker))
    assert len(answer["faults"]) == 43


def test_a_broker_that_does_not_answer_is_named_without_its_password() -> None:
    result = _run("plan", WARREN_MANAGEMENT="http://me:hush@127.0.0.1:1")
    assert result.exit_code == 1
    assert "error: the management API at http://127.0.0.1:1 does not answer" in result.stderr
    assert "hush" not in result.output


def test_the_vhost_is_that_of_the_broker_or_the_one_that_is_given(broker: dict[str, str]) -> None:
    assert "there is no vhost 'nowhere'" in _run("plan", "--vhost", "nowhere", **broker).stderr
    elsewhere = {**broker, "WARREN_BROKER": "amqp://guest:guest@localhost/elsewhere"}
    assert "there is no vhost 'elsewhere'" in _run("plan", **elsewhere).stderr


# --- Ctrl-C ---

_INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores Ctrl-C
from warren.cli import main
main()
"""


def test_ctrl_c_says_how_far_it_came_and_how_to_go_on() -> None:
    command = [
        sys.executable,
        "-c",
        _INTERRUPTIBLE,
        "topology",
        "apply",
        "--broker",
        "amqp://h/",
    ]
    with fake_api(changes=2) as api:
        environ = {**os.environ, "WARREN_MANAGEMENT": api.url}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True) as process:
            assert api.stuck.wait(30)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert [line[:7] for line in output.splitlines()] == ["[ 1/76]", "[ 2/76]"]
    assert errors == "Stopped after 2 of 76 changes; apply again to go on.\n"
